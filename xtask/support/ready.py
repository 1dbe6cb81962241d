#!/usr/bin/env python3
"""Asks a store on loopback for what tests will ask: writes an object, reads it back, deletes it.

usage: ready.py s3 http://127.0.0.1:P BUCKET KEY SECRET
       ready.py gcs http://127.0.0.1:P BUCKET      (makes the bucket first)

Exits with 0 if all of it works and with 1 and one line if not (yet). An open port says less: a store may accept connections before it
has a place to write to.
"""

import datetime
import hashlib
import hmac
import http.client
import sys
import urllib.parse

CONTENT = b"ready?"
NAME = "ready-probe"
REGION = "us-east-1"


def signed(method, host, path, body, key, secret):
    """Headers of a request signed with version 4 of the AWS signature."""
    now = datetime.datetime.now(datetime.timezone.utc)
    stamp, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
    headers = {"host": host, "x-amz-content-sha256": hashlib.sha256(body).hexdigest(), "x-amz-date": stamp}
    names = ";".join(sorted(headers))
    listed = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    request = f"{method}\n{path}\n\n{listed}\n{names}\n{headers['x-amz-content-sha256']}"
    scope = f"{day}/{REGION}/s3/aws4_request"
    to_sign = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    signature = ("AWS4" + secret).encode()
    for part in (day, REGION, "s3", "aws4_request", to_sign):
        signature = hmac.new(signature, part.encode(), hashlib.sha256).digest()
    headers["authorization"] = (f"AWS4-HMAC-SHA256 Credential={key}/{scope}, SignedHeaders={names}, "
                                f"Signature={signature.hex()}")
    return headers


def check(kind, endpoint, bucket, key="", secret=""):
    """The first thing that does not work, or nothing."""
    host = urllib.parse.urlsplit(endpoint).netloc
    connection = http.client.HTTPConnection(host, timeout=10)

    def ask(method, path, body=b""):
        headers = signed(method, host, path, body, key, secret) if kind == "s3" else {"authorization": "Bearer test"}
        connection.request(method, path, body=body, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read()

    if kind == "gcs":
        status, text = ask("PUT", f"/{bucket}")
        if status != 200:
            return f"making bucket {bucket}: {status} {text[:200]!r}"
    path = f"/{bucket}/{NAME}"
    for method, body, good in (("PUT", CONTENT, (200,)), ("GET", b"", (200,)), ("DELETE", b"", (200, 204))):
        status, text = ask(method, path, body)
        if status not in good or method == "GET" and text != CONTENT:
            return f"{method} {path}: {status} {text[:200]!r}"
    return None


def main():
    try:
        problem = check(*sys.argv[1:])
    except (OSError, http.client.HTTPException) as error:
        problem = str(error) or type(error).__name__
    if problem:
        sys.exit(problem)


if __name__ == "__main__":
    main()
