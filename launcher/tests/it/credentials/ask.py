"""The agent's side of a WebSocket: says what it is told to, and prints what it hears, a line each."""

import base64
import json
import os
import socket
import ssl
import struct
import sys
from urllib.parse import urlsplit


def connect(url):
    proxy = urlsplit(os.environ["HTTPS_PROXY"])
    host = urlsplit(url).hostname
    raw = socket.create_connection((proxy.hostname, proxy.port), timeout=60)
    raw.sendall(f"CONNECT {host}:443 HTTP/1.1\r\nhost: {host}:443\r\n\r\n".encode())
    head(raw)
    context = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
    return context.wrap_socket(raw, server_hostname=host)


def head(stream):
    text = b""
    while not text.endswith(b"\r\n\r\n"):
        byte = stream.recv(1)
        if not byte:
            raise EOFError(text)
        text += byte
    return text.decode()


def exactly(stream, length):
    data = b""
    while len(data) < length:
        more = stream.recv(length - len(data))
        if not more:
            raise EOFError("the socket ended")
        data += more
    return data


def say(stream, text):
    data = text.encode()
    mask = os.urandom(4)
    length = struct.pack("!BB", 0x81, 0x80 | len(data)) if len(data) < 126 else struct.pack(
        "!BBH", 0x81, 0x80 | 126, len(data))
    masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(data))
    stream.sendall(length + mask + masked)


def hear(stream):
    _, length = exactly(stream, 2)
    if length == 126:
        (length,) = struct.unpack("!H", exactly(stream, 2))
    return exactly(stream, length).decode()


url, protocols = sys.argv[1], sys.argv[2]
stream = connect(url)
parts = urlsplit(url)
lines = [f"GET {parts.path} HTTP/1.1", f"host: {parts.hostname}", "connection: upgrade",
         "upgrade: websocket", "sec-websocket-version: 13",
         "sec-websocket-key: " + base64.b64encode(os.urandom(16)).decode()]
if protocols:
    lines.append(f"sec-websocket-protocol: {protocols}")
stream.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
answer = head(stream)
print(json.dumps(answer), flush=True)
print(json.dumps(hear(stream)), flush=True)
# What comes on stdin is said; what comes back is printed.
for line in sys.stdin:
    say(stream, line.rstrip("\n"))
    print(json.dumps(hear(stream)), flush=True)
