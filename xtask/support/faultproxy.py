#!/usr/bin/env python3
"""A proxy that injects HTTP faults between a client and a store, for trying things out at the shell.

usage: faultproxy.py --port P --upstream http://127.0.0.1:Q [--rule JSON ...]

Requests are passed on byte for byte, `Host` included, so that signatures stay valid. A rule is

  {"match": "PUT .*metadata/v1\\.", "fault": KIND, "times": 1, "skip": 0, "seconds": 60}

match: a regular expression over `METHOD path?query`, as sent or percent-decoded (some clients send keys fully encoded);
times: how often it fires, -1 for ever; skip: so many requests that match are let through first. The first rule that fires counts.

KIND, and what the store has seen:
  fin-after     it acts; the connection is closed without a byte of an answer
  rst-after     it acts; the connection is reset
  trunc-after   it acts; half of the answer's head is sent, then the connection is closed
  503-after     it acts; the client is told 503 (also 500-, 502-, 504-after)
  hang-after    it acts; no answer for `seconds`, then the connection is closed
  dup           it gets the request twice; the client sees the first answer
  dup-last      it gets the request twice; the client sees the second answer
  late          the client is cut off at once; the store gets the request `seconds` later
  503-before    it sees nothing; the client is told 503 (also 500-, 429-, 409-, 403-before)
  fin-before    it sees nothing; the connection is closed
  rst-before    it sees nothing; the connection is reset
  delay         it gets the request `seconds` later

At run time: POST /__fault adds a rule or a list of them, DELETE /__fault clears rules and log, GET /__fault shows both.
Listens on loopback only and needs nothing but the standard library.
"""

import argparse
import asyncio
import json
import re
import socket
import struct
import urllib.parse

CANNED = {
    "403": ("Forbidden", "AccessDenied"),
    "409": ("Conflict", "ConditionalRequestConflict"),
    "429": ("Too Many Requests", "TooManyRequests"),
    "500": ("Internal Server Error", "InternalError"),
    "502": ("Bad Gateway", "BadGateway"),
    "503": ("Service Unavailable", "SlowDown"),
    "504": ("Gateway Timeout", "GatewayTimeout"),
}
KINDS = {"fin-after", "rst-after", "trunc-after", "hang-after", "dup", "dup-last", "late", "fin-before", "rst-before", "delay"}
KINDS |= {f"{status}-{when}" for status in CANNED for when in ("before", "after")}
# Heads and lines longer than this are refused; bodies are not limited.
LONGEST_HEAD_BYTES = 1 << 20
KEPT_LOG_LINES = 5000


class Rule:
    def __init__(self, given):
        self.match, self.fault = given["match"], given["fault"]
        if self.fault not in KINDS:
            raise ValueError(f"no fault `{self.fault}`; there are {', '.join(sorted(KINDS))}")
        self.times, self.skip = given.get("times", 1), given.get("skip", 0)
        self.seconds = given.get("seconds", 60)
        self.hits = 0
        self.pattern = re.compile(self.match)

    def fires(self, method, target):
        """Counts the request if it matches, and says whether it is one to disturb."""
        if not any(self.pattern.search(f"{method} {form}") for form in (target, urllib.parse.unquote(target))):
            return False
        self.hits += 1
        number = self.hits - self.skip
        return number >= 1 and (self.times < 0 or number <= self.times)

    def shown(self):
        return {key: value for key, value in vars(self).items() if key != "pattern"}


class Proxy:
    def __init__(self, upstream):
        parts = urllib.parse.urlsplit(upstream)
        self.host, self.port = parts.hostname, parts.port
        self.rules, self.log = [], []

    def add(self, given):
        self.rules.extend([Rule(one) for one in (given if isinstance(given, list) else [given])])

    def rule_for(self, method, target):
        return next((rule for rule in self.rules if rule.fires(method, target)), None)

    def note(self, method, target, fault, answer=None):
        self.log.append([method, target, fault, answer])
        del self.log[:-KEPT_LOG_LINES]

    async def client(self, reader, writer):
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            while await self.request(reader, writer):
                await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            pass  # One of the two sides has gone, and so does the other.
        finally:
            writer.close()

    async def request(self, reader, writer):
        """Handles one request; whether the connection stays open."""
        head = await reader.readuntil(b"\r\n\r\n")
        if b"\r\nexpect: 100-continue" in head.lower():
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            head = re.sub(rb"(?i)\r\nexpect: 100-continue", b"", head)
        body = await read_body(reader, head)
        method, target = head.split(b"\r\n", 1)[0].decode("latin1").split(" ")[:2]
        if target.startswith("/__fault"):
            writer.write(self.control(method, body))
            return True
        rule = self.rule_for(method, target)
        if rule is None:
            answer = await self.ask(head, body)
            self.note(method, target, "", status_line(answer))
            writer.write(answer[0] + answer[1])
            return True
        if rule.fault.endswith("-before"):
            self.note(method, target, rule.fault)
            return cut_or_answer(writer, rule.fault)
        if rule.fault == "late":
            writer.close()
        if rule.fault in ("late", "delay"):
            await asyncio.sleep(rule.seconds)
        return await self.disturbed(writer, head, body, rule, (method, target))

    async def disturbed(self, writer, head, body, rule, what):
        """Passes the request on and spoils what comes back."""
        answer = await self.ask(head, body)
        seen = status_line(answer)
        if rule.fault in ("dup", "dup-last"):
            second = await self.ask(head, body)
            seen += " | " + status_line(second)
            answer = second if rule.fault == "dup-last" else answer
        self.note(*what, rule.fault, seen)
        if rule.fault == "late":
            return False
        if rule.fault == "trunc-after":
            writer.write(answer[0][:len(answer[0]) // 2])
            await writer.drain()
            return False
        if rule.fault == "hang-after":
            await asyncio.sleep(rule.seconds)
            return False
        if rule.fault.endswith("-after"):
            return cut_or_answer(writer, rule.fault)
        writer.write(answer[0] + answer[1])
        return True

    async def ask(self, head, body):
        """Sends the request to the store on a connection of its own; head and body of the answer."""
        reader, writer = await asyncio.open_connection(self.host, self.port, limit=LONGEST_HEAD_BYTES)
        try:
            writer.write(head + body)
            await writer.drain()
            answered = await reader.readuntil(b"\r\n\r\n")
            while answered.startswith(b"HTTP/1.1 100"):
                answered = await reader.readuntil(b"\r\n\r\n")
            status = answered.split(b" ", 2)[1]
            if head.startswith(b"HEAD ") or status in (b"204", b"304"):
                return answered, b""
            low = answered.lower()
            if b"\r\ncontent-length:" in low or b"\r\ntransfer-encoding: chunked" in low:
                return answered, await read_body(reader, answered)
            # The end of the connection ends this body; the client's connection stays, so it needs the length.
            content = await reader.read()
            return answered[:-2] + b"Content-Length: %d\r\n\r\n" % len(content), content
        finally:
            writer.close()

    def control(self, method, body):
        error = None
        try:
            if method == "POST":
                self.add(json.loads(body))
        except (ValueError, KeyError, TypeError, AttributeError, re.error) as problem:
            error = str(problem)
        if method == "DELETE":
            self.rules.clear()
            self.log.clear()
        shown = {"rules": [rule.shown() for rule in self.rules], "log": self.log}
        content = json.dumps({"error": error} if error else shown).encode()
        status = b"400 Bad Request" if error else b"200 OK"
        return b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (status, len(content)) + content


async def read_body(reader, head):
    """The body that goes with a head, chunks with their frames."""
    low = head.lower()
    length = re.search(rb"\r\ncontent-length:\s*(\d+)", low)
    if length:
        return await reader.readexactly(int(length.group(1)))
    body = b""
    if b"\r\ntransfer-encoding: chunked" in low:
        size = None
        while size != 0:
            line = await reader.readuntil(b"\r\n")
            size = int(line.split(b";")[0], 16)
            body += line + await reader.readexactly(size + 2)
    return body


def status_line(answer):
    return answer[0].split(b"\r\n")[0].decode("latin1")


def cut_or_answer(writer, fault):
    """Ends the connection as the fault says, or writes an answer that the store did not give; whether it stays open."""
    kind = fault.split("-")[0]
    if kind == "rst":
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
    if kind not in CANNED:
        return False
    reason, code = CANNED[kind]
    content = f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>injected</Message></Error>'
    writer.write((f"HTTP/1.1 {kind} {reason}\r\nContent-Type: application/xml\r\n"
                  f"Content-Length: {len(content)}\r\n\r\n{content}").encode())
    return True


async def serve(options):
    proxy = Proxy(options.upstream)
    for rule in options.rule:
        proxy.add(json.loads(rule))
    server = await asyncio.start_server(proxy.client, "127.0.0.1", options.port, limit=LONGEST_HEAD_BYTES)
    await server.serve_forever()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--upstream", required=True)
    parser.add_argument("--rule", action="append", default=[])
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
