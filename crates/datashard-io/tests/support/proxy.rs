//! A loopback HTTP/1.1 proxy that spoils chosen requests: the network between a writer and a bucket on a bad day.
//!
//! Requests go through byte for byte, the header `Host` included, so that signatures stay valid. Every fault says what the store has
//! seen when the client is left with its answer, or without one; the log tells it afterwards.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use datashard_io::context::Context;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// The largest head of a request or an answer, in bytes.
const MAX_HEAD: usize = 64 * 1024;

/// What is done to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The store acts; the connection is closed without a byte of the answer.
    CloseAfter,
    /// The store acts; the connection is reset.
    ResetAfter,
    /// The store acts; half of the answer's head arrives.
    CutAfter,
    /// The store acts; this status arrives in place of its answer.
    StatusAfter(u16),
    /// The store acts; nothing arrives for so long, then the connection is closed.
    HangAfter(Duration),
    /// The store gets the request twice; its first answer arrives.
    TwiceFirst,
    /// The store gets the request twice; its second answer arrives.
    TwiceLast,
    /// The connection is closed at once; the store gets the request so much later.
    Late(Duration),
    /// The store sees nothing; this status arrives.
    StatusBefore(u16),
    /// The store sees nothing; the connection is closed.
    CloseBefore,
    /// The store sees nothing; the connection is reset.
    ResetBefore,
    /// The store gets the request so much later; its answer arrives.
    Delay(Duration),
    /// The store acts; the head of its answer is whole, half of the body is missing.
    CutBody,
}

/// Which requests are spoiled, and how.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    method: &'static str,
    /// Part of the path and query, percent-decoded.
    part: String,
    fault: Fault,
    left: u32,
}

impl Rule {
    /// Spoils the next `times` requests of `method` whose path holds `part`.
    pub(crate) fn new(method: &'static str, part: &str, fault: Fault, times: u32) -> Self {
        Self { method, part: part.to_owned(), fault, left: times }
    }
}

/// Requests that are spoiled by chance.
#[derive(Debug)]
struct Chance {
    method: &'static str,
    faults: Vec<Fault>,
    /// Of 100,000 requests, how many meet each of the faults.
    each: u64,
}

/// One request as the proxy saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) method: String,
    /// Path and query, percent-decoded.
    pub(crate) path: String,
    pub(crate) fault: Option<Fault>,
    /// What the store answered, in order, if it was asked.
    pub(crate) statuses: Vec<u16>,
}

#[derive(Debug, Default)]
struct State {
    rules: Vec<Rule>,
    chances: Vec<Chance>,
    log: Vec<Seen>,
}

/// A running proxy; it ends when dropped.
pub(crate) struct Proxy {
    url: String,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Proxy {
    /// Starts one on a free port before the server at `upstream` (`http://host:port`).
    pub(crate) async fn start(upstream: &str) -> io::Result<Self> {
        let upstream = upstream
            .strip_prefix("http://")
            .ok_or_else(|| io::Error::other("only http:// can be spoiled"))?
            .trim_end_matches('/')
            .to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let state: Arc<Mutex<State>> = Arc::default();
        let shared = Arc::clone(&state);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (shared, upstream) = (Arc::clone(&shared), upstream.clone());
                // Errors here are connections that one of the two sides gave up.
                tokio::spawn(async move {
                    let _ = serve(stream, &upstream, &shared).await;
                });
            }
        });
        Ok(Self { url, state, task })
    }

    /// Where clients find it.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Adds a rule; of several that fit, the oldest that has anything left is used.
    pub(crate) fn spoil(&self, rule: Rule) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).rules.push(rule);
    }

    /// Spoils requests of `method` by chance: of 100,000 each of the faults meets `each`. Rules come first.
    #[allow(dead_code, reason = "only races of commits leave it to chance")]
    pub(crate) fn spoil_some(&self, method: &'static str, faults: &[Fault], each: u64) {
        let chance = Chance { method, faults: faults.to_vec(), each };
        self.state.lock().unwrap_or_else(PoisonError::into_inner).chances.push(chance);
    }

    /// What came by, oldest first.
    pub(crate) fn log(&self) -> Vec<Seen> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).log.clone()
    }
}

/// A request or an answer: head up to and with the empty line, and body.
struct Message {
    head: Vec<u8>,
    body: Vec<u8>,
}

impl Message {
    fn header(&self, name: &str) -> Option<String> {
        let text = String::from_utf8_lossy(&self.head);
        text.split("\r\n").skip(1).find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })
    }

    fn first_line(&self) -> String {
        String::from_utf8_lossy(&self.head).lines().next().unwrap_or_default().to_owned()
    }

    fn status(&self) -> u16 {
        self.first_line().split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or(0)
    }

    async fn write(&self, stream: &mut TcpStream) -> io::Result<()> {
        stream.write_all(&self.head).await?;
        stream.write_all(&self.body).await?;
        stream.flush().await
    }
}

async fn serve(stream: TcpStream, upstream: &str, state: &Mutex<State>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut client = BufReader::new(stream);
    loop {
        let Some(request) = read_message(&mut client, false).await? else { return Ok(()) };
        let line = request.first_line();
        let mut words = line.split(' ');
        let method = words.next().unwrap_or_default().to_owned();
        let path = decoded(words.next().unwrap_or_default());
        let fault = fitting(state, &method, &path);
        let mut seen = Seen { method: method.clone(), path, fault, statuses: Vec::new() };
        // What the store is not shown is in the log at once; the rest when it is known what the store said.
        let log = |seen: Seen| state.lock().unwrap_or_else(PoisonError::into_inner).log.push(seen);
        match fault {
            Some(Fault::CloseBefore) => {
                log(seen);
                return Ok(());
            }
            Some(Fault::ResetBefore) => {
                log(seen);
                return client.get_ref().set_zero_linger();
            }
            Some(Fault::StatusBefore(status)) => {
                log(seen);
                client.get_mut().write_all(&canned(status)).await?;
                continue;
            }
            Some(Fault::Late(later)) => {
                drop(client);
                wait(later).await;
                seen.statuses.push(ask(upstream, &request, &method).await?.status());
                log(seen);
                return Ok(());
            }
            Some(Fault::Delay(later)) => wait(later).await,
            _ => {}
        }
        let mut answer = ask(upstream, &request, &method).await?;
        seen.statuses.push(answer.status());
        if matches!(fault, Some(Fault::TwiceFirst | Fault::TwiceLast)) {
            let second = ask(upstream, &request, &method).await?;
            seen.statuses.push(second.status());
            if fault == Some(Fault::TwiceLast) {
                answer = second;
            }
        }
        log(seen);
        let stream = client.get_mut();
        match fault {
            Some(Fault::CloseAfter) => return Ok(()),
            Some(Fault::ResetAfter) => return stream.set_zero_linger(),
            Some(Fault::CutAfter) => {
                let half = answer.head.len() / 2;
                answer.head.truncate(half);
                answer.body.clear();
                return answer.write(stream).await;
            }
            Some(Fault::CutBody) => {
                let half = answer.body.len() / 2;
                answer.body.truncate(half);
                return answer.write(stream).await;
            }
            Some(Fault::HangAfter(duration)) => {
                wait(duration).await;
                return Ok(());
            }
            Some(Fault::StatusAfter(status)) => stream.write_all(&canned(status)).await?,
            _ => answer.write(stream).await?,
        }
    }
}

fn fitting(state: &Mutex<State>, method: &str, path: &str) -> Option<Fault> {
    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
    let rule = state
        .rules
        .iter_mut()
        .find(|rule| rule.left > 0 && rule.method == method && path.contains(&rule.part));
    if let Some(rule) = rule {
        rule.left -= 1;
        return Some(rule.fault);
    }
    let chance = state.chances.iter().find(|chance| chance.method == method && chance.each > 0)?;
    let number = Context::system().randomness.next_u64() % 100_000 / chance.each;
    chance.faults.get(usize::try_from(number).ok()?).copied()
}

async fn wait(duration: Duration) {
    Context::system().clock.sleep(duration).await;
}

async fn ask(upstream: &str, request: &Message, method: &str) -> io::Result<Message> {
    let mut stream = TcpStream::connect(upstream).await?;
    stream.set_nodelay(true)?;
    request.write(&mut stream).await?;
    let mut server = BufReader::new(stream);
    loop {
        let answer = read_message(&mut server, method == "HEAD").await?;
        let Some(mut answer) = answer else { return Err(io::ErrorKind::UnexpectedEof.into()) };
        let status = answer.status();
        if status == 100 {
            continue;
        }
        let bodyless = method == "HEAD" || status == 204 || status == 304;
        let framed =
            answer.header("content-length").is_some() || answer.header("transfer-encoding").is_some();
        if !bodyless && !framed {
            // The body ends with the connection; the client's connection goes on, so it is told the length.
            server.read_to_end(&mut answer.body).await?;
            let length = format!("Content-Length: {}\r\n\r\n", answer.body.len());
            answer.head.truncate(answer.head.len().saturating_sub(2));
            answer.head.extend_from_slice(length.as_bytes());
        }
        return Ok(answer);
    }
}

/// Reads one message; `None` at the end of the stream. `bodyless` is the answer to a HEAD, which announces a body that never comes.
async fn read_message(from: &mut BufReader<TcpStream>, bodyless: bool) -> io::Result<Option<Message>> {
    let mut message = Message { head: Vec::new(), body: Vec::new() };
    while !message.head.ends_with(b"\r\n\r\n") {
        if from.read_until(b'\n', &mut message.head).await? == 0 {
            return Ok(None);
        }
        if message.head.len() > MAX_HEAD {
            return Err(io::Error::other("the head is too long"));
        }
    }
    if bodyless {
        return Ok(Some(message));
    }
    if let Some(length) = message.header("content-length") {
        let length = length.parse().map_err(io::Error::other)?;
        message.body.resize(length, 0);
        from.read_exact(&mut message.body).await?;
    } else if message.header("transfer-encoding").is_some_and(|v| v.eq_ignore_ascii_case("chunked")) {
        read_chunks(from, &mut message.body).await?;
    }
    Ok(Some(message))
}

/// Reads a chunked body as it is, lengths and all.
async fn read_chunks(from: &mut BufReader<TcpStream>, body: &mut Vec<u8>) -> io::Result<()> {
    loop {
        let start = body.len();
        if from.read_until(b'\n', body).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let line = String::from_utf8_lossy(&body[start..]).into_owned();
        let digits = line.trim().split(';').next().unwrap_or_default().to_owned();
        let length = usize::from_str_radix(&digits, 16).map_err(io::Error::other)?;
        let from_here = body.len();
        body.resize(from_here + length + 2, 0);
        from.read_exact(&mut body[from_here..]).await?;
        if length == 0 {
            return Ok(());
        }
    }
}

fn canned(status: u16) -> Vec<u8> {
    let (reason, code) = match status {
        403 => ("Forbidden", "AccessDenied"),
        409 => ("Conflict", "ConditionalRequestConflict"),
        429 => ("Too Many Requests", "TooManyRequests"),
        500 => ("Internal Server Error", "InternalError"),
        503 => ("Service Unavailable", "SlowDown"),
        _ => ("Error", "Error"),
    };
    let body = format!(
        "<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>spoiled on the way</Message></Error>"
    );
    format!(
        "HTTP/1.1 {status} {reason}\r\nContent-Type: application/xml\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

fn decoded(path: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = path.as_bytes();
    while let [first, after @ ..] = rest {
        let hex = after
            .get(..2)
            .and_then(|two| std::str::from_utf8(two).ok())
            .and_then(|two| u8::from_str_radix(two, 16).ok());
        match (first, hex) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
