"""The heads of requests as clients write them, with the token, the target and the length left open.

Recorded byte for byte, or read in the source of those that are no part of this machine.
"""

import re
import uuid

CHROME = """{method} {target} HTTP/1.1
Host: gateway.test
Connection: keep-alive
Content-Length: {length}
sec-ch-ua-platform: "Linux"
Authorization: Bearer {token}
User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36
sec-ch-ua: "Chromium";v="131", "Not_A Brand";v="24", "Google Chrome";v="131"
Content-Type: application/json
sec-ch-ua-mobile: ?0
Accept: */*
Origin: http://gateway.test
Sec-Fetch-Site: same-origin
Sec-Fetch-Mode: cors
Sec-Fetch-Dest: empty
Referer: http://gateway.test/chat?tab=1
Accept-Encoding: gzip, deflate, br, zstd
Accept-Language: en-GB,en;q=0.9,de;q=0.8
Cookie: _ga=GA1.1.1.1; theme={{"dark":true}}; quoted="a b"; empty=; PHPSESSID=x; a=1=2; \xe4=\xf6
Priority: u=1, i
DNT: 1
Sec-GPC: 1

"""  # noqa: E501
FIREFOX = """{method} {target} HTTP/1.1
Host: gateway.test
User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0
Accept: text/event-stream
Accept-Language: en-US,en;q=0.5
Accept-Encoding: gzip, deflate
Referer: https://elsewhere.example/
Content-Type: application/json;charset=UTF-8
Authorization: Bearer {token}
Content-Length: {length}
Origin: https://elsewhere.example
Connection: keep-alive
Sec-Fetch-Dest: empty
Sec-Fetch-Mode: cors
Sec-Fetch-Site: cross-site
Priority: u=0
Pragma: no-cache
Cache-Control: no-cache
TE: trailers

"""
CURL = """{method} {target} HTTP/1.1
Host: 127.0.0.1:9911
User-Agent: curl/7.88.1
Accept: */*
Authorization: Bearer {token}
Content-Type: application/json
Content-Length: {length}

"""
CURL_10 = CURL.replace("HTTP/1.1", "HTTP/1.0")
CURL_WAITING = CURL.replace("\n\n", "\nExpect: 100-continue\n\n")
NODE = """{method} {target} HTTP/1.1
host: 127.0.0.1:9911
connection: keep-alive
authorization: Bearer {token}
content-type: application/json
accept: */*
accept-language: *
sec-fetch-mode: cors
user-agent: node
accept-encoding: gzip, deflate
content-length: {length}

"""
HTTPX = """{method} {target} HTTP/1.1
Host: 127.0.0.1:9911
Accept: */*
Accept-Encoding: gzip, deflate
Connection: keep-alive
User-Agent: python-httpx/0.28.1
Authorization: Bearer {token}
Content-Length: {length}
Content-Type: application/json

"""
REQUESTS = HTTPX.replace("python-httpx/0.28.1", "python-requests/2.32.3")
URLLIB = """{method} {target} HTTP/1.1
Accept-Encoding: identity
Content-Length: {length}
Host: 127.0.0.1:9911
User-Agent: Python-urllib/3.11
Content-Type: application/json
Authorization: Bearer {token}
Connection: close

"""
SDK = """{method} {target} HTTP/1.1
Host: 127.0.0.1:9911
Accept-Encoding: gzip, deflate
Connection: keep-alive
Accept: application/json
Content-Type: application/json
User-Agent: OpenAI/Python 1.58.1
X-Stainless-Lang: python
X-Stainless-Package-Version: 1.58.1
X-Stainless-OS: Linux
X-Stainless-Arch: x64
X-Stainless-Runtime: CPython
X-Stainless-Runtime-Version: 3.11.7
X-Stainless-Retry-Count: 0
X-Stainless-Read-Timeout: 600
X-Stainless-Async: false
X-Stainless-Raw-Response: true
Authorization: Bearer {token}
Idempotency-Key: stainless-python-retry-{key}
Content-Length: {length}

"""
JAVA = """{method} {target} HTTP/1.1
Connection: Upgrade, HTTP2-Settings
Content-Length: {length}
Host: 127.0.0.1:9911
HTTP2-Settings: AAEAAEAAAAIAAAAAAAMAAAAAAAQBAAAAAAUAAEAAAAYABgAA
Upgrade: h2c
User-Agent: Java-http-client/21.0.1
Authorization: Bearer {token}
Content-Type: application/json; charset=utf-8

"""
BEHIND_A_PROXY = """{method} {target} HTTP/1.1
Host: gateway.test
X-Forwarded-For: 203.0.113.7, 10.0.0.1
X-Forwarded-Proto: https
X-Forwarded-Host: chat.acme.example
X-Forwarded-Port: 443
X-Real-IP: 203.0.113.7
X-Request-Id: 8d0c2b0e5f1f4f9a8a1b2c3d4e5f6071
X-Amzn-Trace-Id: Root=1-67891233-abcdef012345678912345678
X-Cloud-Trace-Context: 105445aa7843bc8bf206b12000100000/1;o=1
traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01
tracestate: rojo=00f067aa0ba902b7
baggage: sentry-environment=production
sentry-trace: 0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1
CF-Ray: 230b030023ae2822-SJC
CF-IPCountry: RO
CDN-Loop: cloudflare
Via: 2 cloudfront.example, 1.1 varnish
Forwarded: for=203.0.113.7;proto=https
Authorization: bearer {token}
Content-Type: application/json
Content-Length: {length}

"""
CHATBASE_CLI = NODE.replace(
    "user-agent: node", "user-agent: chatbase-cli/1.4.0 (linux-x64; node/22.11.0)"
)
CHATBASE_ANDROID = """{method} {target} HTTP/1.1
Accept: text/event-stream
Authorization: Bearer {token}
User-Agent: chatbase-android/1.1.0
X-Device-Id: 3f0c6a52-5b7e-4c55-8a4e-0d9f9d1f7a11
Content-Type: application/json; charset=utf-8
Content-Length: {length}
Host: 127.0.0.1:9911
Connection: Keep-Alive
Accept-Encoding: gzip

"""
CHATBASE_IOS = """{method} {target} HTTP/1.1
Host: 127.0.0.1:9911
Accept: */*
Content-Type: application/json
Authorization: Bearer {token}
X-Device-Id: 9C56F2B4-7A0F-4C0C-B7C9-0F6E6A1D2E33
Accept-Language: en-GB,en;q=0.9
Accept-Encoding: gzip, deflate
User-Agent: chatbase-ios/1.0.2
Content-Length: {length}
Connection: keep-alive

"""
AXIOS = """{method} {target} HTTP/1.1
Accept: application/json, text/plain, */*
Content-Type: application/json
Authorization: Bearer {token}
User-Agent: axios/1.7.9
Content-Length: {length}
Accept-Encoding: gzip, compress, deflate, br
Host: 127.0.0.1:9911
Connection: keep-alive

"""
DART = """{method} {target} HTTP/1.1
user-agent: Dart/3.5 (dart:io)
accept: text/event-stream, application/json
accept-encoding: gzip
content-length: {length}
content-type: application/json; charset=utf-8
authorization: Bearer {token}
host: 127.0.0.1:9911

"""
DOTNET = """{method} {target} HTTP/1.1
Host: 127.0.0.1:9911
Authorization: Bearer {token}
traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00
Transfer-Encoding: chunked
Content-Type: application/json; charset=utf-8

"""
GO = """{method} {target} HTTP/1.1
Host: 127.0.0.1:9911
User-Agent: Go-http-client/1.1
Content-Length: {length}
Authorization: Bearer {token}
Content-Type: application/json
Accept-Encoding: gzip

"""
GUZZLE = """{method} {target} HTTP/1.1
Content-Length: {length}
User-Agent: GuzzleHttp/7
Content-Type: application/json
Host: 127.0.0.1:9911
Authorization: Bearer {token}

"""
RUBY = """{method} {target} HTTP/1.1
Content-Type: application/json
Authorization: Bearer {token}
Accept-Encoding: gzip;q=1.0,deflate;q=0.6,identity;q=0.3
Accept: */*
User-Agent: Ruby
Connection: close
Host: 127.0.0.1:9911
Content-Length: {length}

"""
POSTMAN = """{method} {target} HTTP/1.1
Content-Type: application/json
Authorization: Bearer {token}
User-Agent: PostmanRuntime/7.43.0
Accept: */*
Cache-Control: no-cache
Postman-Token: 6c9e3f3a-5a8b-4f6c-8c39-1f7a2b1c9d55
Host: 127.0.0.1:9911
Accept-Encoding: gzip, deflate, br
Connection: keep-alive
Content-Length: {length}

"""
AIOHTTP = """{method} {target} HTTP/1.1
Host: 127.0.0.1:9911
Authorization: Bearer {token}
Accept: */*
Accept-Encoding: gzip, deflate
User-Agent: Python/3.11 aiohttp/3.11.11
Content-Length: {length}
Content-Type: application/json

"""
PERL = """{method} {target} HTTP/1.1
TE: deflate,gzip;q=0.3
Connection: TE, close
Authorization: Bearer {token}
Host: 127.0.0.1:9911
User-Agent: libwww-perl/6.68
Content-Length: {length}
Content-Type: application/json; charset=utf8

"""
CLIENTS = {
    "Chrome": CHROME,
    "Firefox, from elsewhere": FIREFOX,
    "curl": CURL,
    "curl --http1.0": CURL_10,
    "curl that waits": CURL_WAITING,
    "Node": NODE,
    "httpx": HTTPX,
    "requests": REQUESTS,
    "urllib": URLLIB,
    "an SDK": SDK,
    "Java": JAVA,
    "behind proxies": BEHIND_A_PROXY,
    "Chatbase's command line": CHATBASE_CLI,
    "Chatbase's Android SDK": CHATBASE_ANDROID,
    "Chatbase's iOS SDK": CHATBASE_IOS,
    "axios": AXIOS,
    "Dart": DART,
    ".NET": DOTNET,
    "Go": GO,
    "Guzzle": GUZZLE,
    "Ruby": RUBY,
    "Postman": POSTMAN,
    "aiohttp": AIOHTTP,
    "Perl": PERL,
}


def written(head: str, method: str, target: str, token: str, body: bytes | None) -> bytes:
    """A request as this client writes it; one without a body says nothing of one."""
    key = uuid.uuid4()  # of one request, and of its retries
    text = head.format(method=method, target=target, token=token, key=key, length=len(body or b""))
    if body is None:
        text = re.sub(
            r"(?im)^(content-length|content-type|expect|transfer-encoding):.*\n", "", text
        )
    elif "Transfer-Encoding: chunked" in text:
        body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    return text.replace("\n", "\r\n").encode("latin-1") + (body or b"")
