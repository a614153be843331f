import sys, urllib.request, urllib.error
url, data = sys.argv[1], sys.argv[2].encode() if len(sys.argv) > 2 else None
try:
    answer = urllib.request.urlopen(urllib.request.Request(url, data), timeout=120)
    first = answer.readline(); print(first.decode().strip(), flush=True)
    n = 1
    while answer.readline(): n += 1
    print('ended after', n)
except urllib.error.HTTPError as error: print('refused', error.code, error.read().decode())
except Exception as error: print('cut off', type(error).__name__)
