import http.server, time
class Stream(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
        try:
            for n in range(1000):
                if self.path == '/once' and n: break
                self.wfile.write(b'line %d\n' % n); self.wfile.flush(); time.sleep(0.05)
        except OSError: pass
    do_POST = do_GET
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(('0.0.0.0', 80), Stream).serve_forever()
