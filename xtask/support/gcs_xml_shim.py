#!/usr/bin/env python3
"""The XML API of Google Cloud Storage in front of an emulator that takes writes only on the JSON API.

Clients of the XML API read and write `/bucket/object`. fake-gcs-server serves such reads but refuses such writes, so writes, copies,
multipart uploads and listings are translated here. A condition is passed on as `ifGenerationMatch` of one single insert: it is the
emulator that decides who wins a race, never this process. A condition that the emulator would silently ignore is evaluated here if
that is exact (reads) and otherwise refused with 501 (deletions), because ignoring it would make tests pass that should not.

usage: gcs_xml_shim.py --port P --upstream http://127.0.0.1:Q

Listens on loopback only and needs nothing but the standard library. `/storage/v1`, `/upload/` and `/download/` go through untouched.
"""

import argparse
import hashlib
import http.client
import json
import threading
import urllib.parse
import uuid
import xml.etree.ElementTree as ElementTree
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from xml.sax.saxutils import escape

# Headers that belong to one connection, and those that this server writes itself.
OWN_HEADERS = {"connection", "keep-alive", "transfer-encoding", "host", "content-length", "te", "upgrade", "date", "server"}
PASSED_THROUGH = ("/storage/v1", "/upload/", "/download/")
META = "x-goog-meta-"
CONDITION = "x-goog-if-generation-match"
XML = [("Content-Type", "application/xml")]
PROLOGUE = "<?xml version='1.0' encoding='UTF-8'?>"
# A single object lies in memory here and in the emulator; larger ones are a mistake of a test.
LARGEST_BODY_BYTES = 1 << 30


def quote(text):
    return urllib.parse.quote(text, safe="")


class Refused(Exception):
    """An answer other than success, as the XML API tells it."""

    def __init__(self, status, code, message=""):
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class Upstream:
    """The emulator's JSON API."""

    def __init__(self, url):
        parts = urllib.parse.urlsplit(url)
        self.host, self.port = parts.hostname, parts.port
        self.kept = threading.local()

    def read(self, method, path, headers=None):
        """Reads go over a kept connection; one that has gone stale is replaced, since reading twice does no harm."""
        connection = getattr(self.kept, "connection", None)
        if connection is not None:
            try:
                return self._exchange(connection, method, path, None, headers)
            except (http.client.HTTPException, OSError):
                connection.close()
        connection = self.kept.connection = self._connect()
        return self._exchange(connection, method, path, None, headers)

    def write(self, method, path, body=b"", headers=None):
        """Every write has a connection of its own: on a stale one nobody could tell whether it was acted on."""
        connection = self._connect()
        try:
            return self._exchange(connection, method, path, body, headers)
        finally:
            connection.close()

    def has_bucket(self, bucket):
        return self.read("GET", f"/storage/v1/b/{quote(bucket)}")[0] == 200

    def insert(self, bucket, name, body, content_type, metadata, generation):
        """Writes an object in one request. `uploadType=multipart` is the form whose condition the emulator honours."""
        about = json.dumps({"name": name, "contentType": content_type, "metadata": metadata})
        boundary = "shim" + uuid.uuid4().hex
        data = b"".join([
            f"--{boundary}\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n{about}\r\n".encode(),
            f"--{boundary}\r\nContent-Type: {content_type}\r\n\r\n".encode(), body,
            f"\r\n--{boundary}--\r\n".encode(),
        ])
        path = f"/upload/storage/v1/b/{quote(bucket)}/o?uploadType=multipart&name={quote(name)}"
        if generation is not None:
            path += f"&ifGenerationMatch={quote(generation)}"
        status, _, answer = self.write("POST", path, data, {"Content-Type": f"multipart/related; boundary={boundary}"})
        if status == 404:
            raise Refused(404, "NoSuchBucket", f"no bucket {bucket}")
        if status != 200:
            raise refusal(status, answer)
        return json.loads(answer)

    def _connect(self):
        return http.client.HTTPConnection(self.host, self.port, timeout=60)

    @staticmethod
    def _exchange(connection, method, path, body, headers):
        connection.request(method, path, body=body or None, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, answer.getheaders(), answer.read()


def refusal(status, answer):
    codes = {404: "NoSuchKey", 409: "Conflict", 412: "PreconditionFailed", 416: "InvalidRange"}
    text = answer.decode("utf8", "replace")
    return Refused(status, codes.get(status, "InternalError" if status >= 500 else "InvalidArgument"), text)


class Upload:
    """A multipart upload that has begun: its parts by number, each with its ETag."""

    def __init__(self, bucket, name, content_type, metadata):
        self.bucket, self.name, self.content_type, self.metadata = bucket, name, content_type, metadata
        self.parts = {}

    def add(self, number, body):
        etag = hashlib.md5(body).hexdigest()
        self.parts[number] = (etag, body)
        return etag

    def assemble(self, order):
        """The parts that the client names, in its order."""
        bodies = []
        for number, etag in order:
            known, body = self.parts.get(number, (None, None))
            if known is None or known != etag.strip('"'):
                raise Refused(400, "InvalidPart", f"part {number} was not uploaded with ETag {etag}")
            bodies.append(body)
        return b"".join(bodies)


def parts_of(body):
    """Numbers and ETags in a request that completes an upload."""
    try:
        root = ElementTree.fromstring(body)
        return [(int(part.findtext("{*}PartNumber")), part.findtext("{*}ETag") or "") for part in root.iter() if
                part.tag.rpartition("}")[2] == "Part"]
    except (ElementTree.ParseError, TypeError, ValueError) as error:
        raise Refused(400, "MalformedXML", str(error)) from error


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body of an answer leave in one packet; otherwise delayed ACKs cost 40 ms each.
    disable_nagle_algorithm = True
    wbufsize = -1

    upstream = None
    uploads = {}
    uploads_lock = threading.Lock()

    def log_message(self, *_):
        pass

    def handle_any(self):
        try:
            self.dispatch()
        except Refused as refused:
            self.refuse(refused)
        except (http.client.HTTPException, OSError) as error:
            # The emulator did not answer: whether it acted is not known, which 502 says.
            self.close_connection = True
            self.refuse(Refused(502, "BadGateway", str(error)))

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_any

    def dispatch(self):
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True))
        body = self.body()
        if url.path.startswith(PASSED_THROUGH):
            return self.pass_through(body)
        bucket, _, name = url.path.lstrip("/").partition("/")
        bucket, name = urllib.parse.unquote(bucket), urllib.parse.unquote(name)
        if not bucket:
            return self.answer(200, b"ok")
        if not name:
            return self.on_bucket(bucket, query)
        return self.on_object(bucket, name, query, body)

    def body(self):
        if self.headers.get("Transfer-Encoding"):
            self.close_connection = True
            raise Refused(411, "MissingContentLength", "a body needs a Content-Length here")
        length = int(self.headers.get("Content-Length") or 0)
        if length > LARGEST_BODY_BYTES:
            self.close_connection = True
            raise Refused(400, "EntityTooLarge", f"{length} bytes")
        body = self.rfile.read(length)
        if len(body) < length:
            # The client went away half way: nothing may be written of what it sent.
            self.close_connection = True
            raise Refused(400, "IncompleteBody", f"{len(body)} of {length} bytes")
        return body

    def pass_through(self, body):
        headers = {key: value for key, value in self.headers.items() if key.lower() not in OWN_HEADERS}
        status, answered, content = self.upstream.write(self.command, self.path, body, headers)
        self.answer(status, content, [pair for pair in answered if pair[0].lower() not in OWN_HEADERS])

    def on_bucket(self, bucket, query):
        if self.command == "GET":
            return self.list(bucket, query)
        if self.command != "PUT":
            raise Refused(405, "MethodNotAllowed")
        about = json.dumps({"name": bucket}).encode()
        headers = {"Content-Type": "application/json"}
        status, _, answer = self.upstream.write("POST", "/storage/v1/b?project=test", about, headers)
        if status not in (200, 409):
            raise refusal(status, answer)
        self.answer(200)

    def on_object(self, bucket, name, query, body):
        if self.command in ("GET", "HEAD"):
            self.refuse_conditions(allowed=())
            return self.read(bucket, name, query)
        if "uploads" in query or "uploadId" in query:
            return self.on_upload(bucket, name, query, body)
        if self.command == "DELETE":
            self.refuse_conditions(allowed=())
            return self.delete(bucket, name, query)
        if self.command != "PUT":
            raise Refused(405, "MethodNotAllowed")
        self.refuse_conditions(allowed=(CONDITION,))
        content_type, metadata = self.description()
        source = self.headers.get("x-goog-copy-source")
        if source:
            body, content_type = self.source(source, content_type)
        self.written(self.upstream.insert(bucket, name, body, content_type, metadata, self.headers.get(CONDITION)))

    def refuse_conditions(self, allowed):
        for header in self.headers:
            if header.lower().startswith("x-goog-if-") and header.lower() not in allowed:
                raise Refused(501, "NotImplemented", f"{header} on {self.command}: the emulator would ignore it")

    def description(self):
        metadata = {key[len(META):]: value for key, value in self.headers.items() if key.lower().startswith(META)}
        return self.headers.get("Content-Type") or "application/octet-stream", metadata

    def source(self, source, content_type):
        """Content and type of what is to be copied."""
        bucket, _, name = urllib.parse.unquote(source).lstrip("/").partition("/")
        status, headers, body = self.upstream.read("GET", f"/storage/v1/b/{quote(bucket)}/o/{quote(name)}?alt=media")
        if status != 200:
            raise refusal(status, body)
        return body, dict((key.lower(), value) for key, value in headers).get("content-type", content_type)

    def written(self, made):
        self.answer(200, b"", [("ETag", f'"{made["etag"]}"'), ("x-goog-generation", made["generation"]),
                               ("x-goog-metageneration", made.get("metageneration", "1"))])

    def delete(self, bucket, name, query):
        if "generation" in query:
            raise Refused(501, "NotImplemented", "deleting one generation: the emulator would delete the newest")
        status, _, answer = self.upstream.write("DELETE", f"/storage/v1/b/{quote(bucket)}/o/{quote(name)}")
        if status == 404 and not self.upstream.has_bucket(bucket):
            raise Refused(404, "NoSuchBucket", f"no bucket {bucket}")
        if status not in (200, 204):
            raise refusal(status, answer)
        self.answer(204)

    def on_upload(self, bucket, name, query, body):
        self.refuse_conditions(allowed=(CONDITION,) if self.command == "POST" and "uploadId" in query else ())
        if self.command == "POST" and "uploads" in query:
            return self.begin_upload(bucket, name)
        identity = query.get("uploadId", "")
        with self.uploads_lock:
            upload = self.uploads.get(identity)
        if upload is None or (upload.bucket, upload.name) != (bucket, name):
            raise Refused(404, "NoSuchUpload", f"no upload {identity} of {name}")
        if self.command == "PUT":
            number = query.get("partNumber", "")
            if not number.isdecimal() or int(number) < 1:
                raise Refused(400, "InvalidArgument", f"partNumber {number}")
            return self.answer(200, b"", [("ETag", f'"{upload.add(int(number), body)}"')])
        if self.command == "POST":
            content = upload.assemble(parts_of(body))
            made = self.upstream.insert(bucket, name, content, upload.content_type, upload.metadata,
                                        self.headers.get(CONDITION))
            self.end_upload(identity)
            text = (f"{PROLOGUE}<CompleteMultipartUploadResult><Bucket>{escape(bucket)}</Bucket><Key>{escape(name)}</Key>"
                    f'<ETag>"{made["etag"]}"</ETag></CompleteMultipartUploadResult>')
            return self.answer(200, text.encode(), XML + [("x-goog-generation", made["generation"])])
        if self.command == "DELETE":
            self.end_upload(identity)
            return self.answer(204)
        raise Refused(405, "MethodNotAllowed")

    def begin_upload(self, bucket, name):
        if not self.upstream.has_bucket(bucket):
            raise Refused(404, "NoSuchBucket", f"no bucket {bucket}")
        identity = uuid.uuid4().hex
        with self.uploads_lock:
            self.uploads[identity] = Upload(bucket, name, *self.description())
        text = (f"{PROLOGUE}<InitiateMultipartUploadResult><Bucket>{escape(bucket)}</Bucket><Key>{escape(name)}</Key>"
                f"<UploadId>{identity}</UploadId></InitiateMultipartUploadResult>")
        self.answer(200, text.encode(), XML)

    def end_upload(self, identity):
        with self.uploads_lock:
            self.uploads.pop(identity, None)

    def read(self, bucket, name, query):
        passed = ("range", "if-modified-since", "if-unmodified-since")
        headers = {key: value for key, value in self.headers.items() if key.lower() in passed}
        path = f"/{quote(bucket)}/{quote(name)}"
        if "generation" in query:
            path += f"?generation={quote(query['generation'])}"
        status, answered, content = self.upstream.read(self.command, path, headers)
        if status == 404 and not self.upstream.has_bucket(bucket):
            raise Refused(404, "NoSuchBucket", f"no bucket {bucket}")
        if status >= 400:
            raise refusal(status, content)
        known = {key.lower(): value for key, value in answered}
        self.check_etag(known.get("etag", ""))
        kept = [pair for pair in answered if pair[0].lower() not in OWN_HEADERS]
        self.answer(status, content, kept, known.get("content-length"))

    def check_etag(self, etag):
        """`If-Match` and `If-None-Match`, which the emulator ignores. The ETag is of the bytes just read, so this is exact."""
        def names(header):
            listed = [part.strip() for part in self.headers.get(header, "").split(",")]
            return "*" in listed or etag in listed or etag.strip('"') in listed
        if "If-Match" in self.headers and not names("If-Match"):
            raise Refused(412, "PreconditionFailed", f"the ETag is {etag}")
        if "If-None-Match" in self.headers and names("If-None-Match"):
            raise Refused(304, "NotModified")

    def list(self, bucket, query):
        asked = {"maxResults": query.get("max-keys") or "1000"}
        for ours, theirs in (("prefix", "prefix"), ("delimiter", "delimiter"), ("continuation-token", "pageToken"),
                             ("start-after", "startOffset")):
            if query.get(ours):
                asked[theirs] = query[ours]
        status, _, answer = self.upstream.read("GET", f"/storage/v1/b/{quote(bucket)}/o?{urllib.parse.urlencode(asked)}")
        if status == 404:
            raise Refused(404, "NoSuchBucket", f"no bucket {bucket}")
        if status != 200:
            raise refusal(status, answer)
        self.answer(200, listing(bucket, json.loads(answer), query.get("start-after", "")).encode(), XML)

    def answer(self, status, body=b"", headers=(), length=None):
        self.send_response(status)
        for key, value in headers:
            self.send_header(key, value)
        if status not in (204, 304):
            self.send_header("Content-Length", str(len(body)) if length is None else length)
        self.end_headers()
        if self.command != "HEAD" and status not in (204, 304):
            self.wfile.write(body)
        self.wfile.flush()

    def refuse(self, refused):
        text = f"{PROLOGUE}<Error><Code>{refused.code}</Code><Message>{escape(refused.message)}</Message></Error>"
        self.answer(refused.status, text.encode(), XML)


def listing(bucket, page, start_after):
    """A page of names in XML. The emulator's `startOffset` includes the name itself, `start-after` does not."""
    objects = [item for item in page.get("items", []) if item["name"] > start_after]
    prefixes = [prefix for prefix in page.get("prefixes", []) if prefix > start_after]
    token = page.get("nextPageToken")
    parts = [f"{PROLOGUE}<ListBucketResult><Name>{escape(bucket)}</Name><KeyCount>{len(objects) + len(prefixes)}</KeyCount>"
             f"<IsTruncated>{'true' if token else 'false'}</IsTruncated>"]
    for item in objects:
        parts.append(f"<Contents><Key>{escape(item['name'])}</Key><Generation>{item['generation']}</Generation>"
                     f"<LastModified>{item['updated']}</LastModified><ETag>\"{item['etag']}\"</ETag>"
                     f"<Size>{item['size']}</Size></Contents>")
    parts.extend(f"<CommonPrefixes><Prefix>{escape(prefix)}</Prefix></CommonPrefixes>" for prefix in prefixes)
    if token:
        parts.append(f"<NextContinuationToken>{escape(token)}</NextContinuationToken>")
    return "".join(parts) + "</ListBucketResult>"


class Server(ThreadingHTTPServer):
    daemon_threads = True
    # As many connections as a race test opens at once.
    request_queue_size = 256


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--upstream", required=True)
    options = parser.parse_args()
    Handler.upstream = Upstream(options.upstream)
    Server(("127.0.0.1", options.port), Handler).serve_forever()


if __name__ == "__main__":
    main()
