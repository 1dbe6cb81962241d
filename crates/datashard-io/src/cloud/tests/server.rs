//! A server for one test: it takes HTTP requests one after another, remembers them, and answers as it was told.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What the server does with one request.
#[derive(Debug, Clone)]
pub(super) enum Reply {
    /// Answers.
    Answer { status: u16, headers: Vec<(String, String)>, body: Vec<u8>, cut: usize },
    /// Closes the connection after the whole request was read.
    Close,
    /// Closes the connection as soon as it is there.
    CloseUnread,
    /// Reads the request and says nothing.
    Hang,
}

impl Reply {
    pub(super) fn new(status: u16) -> Self {
        Self::Answer { status, headers: Vec::new(), body: Vec::new(), cut: 0 }
    }

    /// What a store says to a successful write.
    pub(super) fn written() -> Self {
        Self::new(200).header("ETag", "\"e\"")
    }

    /// What a store says to a successful read.
    pub(super) fn content(content: &str) -> Self {
        Self::written().header("Last-Modified", "Thu, 29 Feb 2024 00:00:00 GMT").body(content)
    }

    pub(super) fn header(mut self, name: &str, value: &str) -> Self {
        if let Self::Answer { headers, .. } = &mut self {
            headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    pub(super) fn body(mut self, text: impl Into<Vec<u8>>) -> Self {
        if let Self::Answer { body, .. } = &mut self {
            *body = text.into();
        }
        self
    }

    /// The same without the last `bytes` of the body, which the head announces all the same.
    pub(super) fn cut_by(mut self, bytes: usize) -> Self {
        if let Self::Answer { cut, .. } = &mut self {
            *cut = bytes;
        }
        self
    }
}

/// A request as it came in.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) method: String,
    /// Path and query.
    pub(super) target: String,
    /// Names in lower case.
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: Vec<u8>,
}

#[derive(Debug)]
pub(super) struct Server {
    port: u16,
    seen: Arc<Mutex<Vec<Seen>>>,
    replies: Arc<Mutex<VecDeque<Reply>>>,
}

impl Server {
    /// Starts a server. A request for which no reply is left is answered with 500 and a word about it.
    pub(super) async fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let replies = Arc::new(Mutex::new(replies.into_iter().collect::<VecDeque<_>>()));
        let (log, script) = (Arc::clone(&seen), Arc::clone(&replies));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&log), Arc::clone(&script)));
            }
        });
        Self { port, seen, replies }
    }

    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The requests so far.
    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// Replies that nobody has asked for.
    pub(super) fn left(&self) -> usize {
        self.replies.lock().unwrap().len()
    }
}

async fn serve(mut stream: TcpStream, seen: Arc<Mutex<Vec<Seen>>>, replies: Arc<Mutex<VecDeque<Reply>>>) {
    if matches!(replies.lock().unwrap().front(), Some(Reply::CloseUnread)) {
        replies.lock().unwrap().pop_front();
        return;
    }
    let Some(request) = read_request(&mut stream).await else { return };
    seen.lock().unwrap().push(request.clone());
    let spent = Reply::new(500).body("<Error><Code>NoReplyLeft</Code></Error>");
    let reply = replies.lock().unwrap().pop_front().unwrap_or(spent);
    match reply {
        Reply::Close | Reply::CloseUnread => {}
        Reply::Hang => {
            let mut rest = [0; 64];
            let _ = stream.read(&mut rest).await;
        }
        Reply::Answer { status, headers, body, cut } => {
            let mut head = format!("HTTP/1.1 {status} Status\r\nConnection: close\r\n");
            if !headers.iter().any(|(name, _)| name == "Content-Length") {
                head += &format!("Content-Length: {}\r\n", body.len());
            }
            for (name, value) in headers {
                head += &format!("{name}: {value}\r\n");
            }
            head += "\r\n";
            let mut bytes = head.into_bytes();
            if request.method != "HEAD" {
                bytes.extend(&body[..body.len().saturating_sub(cut)]);
            }
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
        }
    }
}

async fn read_request(stream: &mut TcpStream) -> Option<Seen> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end.saturating_add(4);
        }
        let mut buffer = [0; 4096];
        match stream.read(&mut buffer).await.ok()? {
            0 => return None,
            count => bytes.extend(&buffer[..count]),
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).ok()?;
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length: usize = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    assert!(!headers.contains_key("transfer-encoding"), "the length of every request is told beforehand");
    let mut body = bytes[end..].to_vec();
    while body.len() < length {
        let mut buffer = [0; 4096];
        match stream.read(&mut buffer).await.ok()? {
            0 => return None,
            count => body.extend(&buffer[..count]),
        }
    }
    Some(Seen { method, target, headers, body })
}
