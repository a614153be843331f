"""What a hostile agent tries from its container. Python's standard library alone.

Every attempt is bounded in count and time. Each prints one JSON object: what was tried, and
what came of it: `ok ...`, or the name of the error.
"""

import ctypes
import errno
import json
import mmap
import os
import platform
import re
import resource
import selectors
import signal
import socket
import struct
import sys
import threading
import time

# What must not arrive is waited for a moment; what must may take its time on a busy machine.
LIMIT = float(os.environ.get("ATTACK_LIMIT", "5"))
PATIENCE = 60.0
# A resolver that is down is asked once.
os.environ["RES_OPTIONS"] = "timeout:3 attempts:1"


def attempt(work):
    """`ok`, with what came back, or the name of the error."""
    try:
        result = work()
        return "ok" if result is None else f"ok {result}"
    except socket.timeout:
        return "TIMEOUT"
    except socket.gaierror:
        return "NONAME"
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error))


def at_once(attempts):
    """Runs the attempts side by side: each waits for its own silence."""
    results = {}
    threads = []
    for name, work in attempts.items():
        def run(name=name, work=work):
            results[name] = attempt(work)
        threads.append(threading.Thread(target=run))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def split(address):
    host, port = address.rsplit(":", 1)
    return host.strip("[]"), int(port)


def family_of(host):
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def tcp(address, source=None):
    host, port = split(address)
    with socket.socket(family_of(host), socket.SOCK_STREAM) as stream:
        stream.settimeout(LIMIT)
        if source:
            # IP_FREEBIND: any process may bind to an address that is not its own.
            stream.setsockopt(socket.IPPROTO_IP, 15, 1)
            stream.bind((source, 0))
        stream.connect(socket.getaddrinfo(host, port, stream.family)[0][4])
        stream.sendall(b"HELLO\r\n\r\n")


def udp(address):
    host, port = split(address)
    with socket.socket(family_of(host), socket.SOCK_DGRAM) as datagram:
        datagram.settimeout(LIMIT / 2)
        datagram.connect(socket.getaddrinfo(host, port, datagram.family)[0][4])
        datagram.send(b"hello")
        return datagram.recv(64).decode(errors="replace")


def checksum(packet):
    total = sum(struct.unpack(f"!{len(packet) // 2}H", packet))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def ping(host, kind):
    with socket.socket(socket.AF_INET, kind, socket.IPPROTO_ICMP) as echo:
        echo.settimeout(LIMIT / 2)
        head = struct.pack("!BBHHH", 8, 0, 0, 7, 1)
        packet = struct.pack("!BBHHH", 8, 0, checksum(head), 7, 1)
        echo.sendto(packet, (host, 0))
        echo.recv(256)
        return "answered"


def tunnel(proxy, head):
    """Sends a head to a proxy and returns its answer: of a tunnel that was opened, the head."""
    host, port = split(proxy)
    with socket.create_connection((host, port), PATIENCE) as stream:
        stream.sendall(head.replace("\\r", "\r").replace("\\n", "\n").encode())
        answer = b""
        while len(answer) < 1 << 16:
            chunk = stream.recv(4096)
            answer += chunk
            begun, ended, body = answer.partition(b"\r\n\r\n")
            length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", begun)
            opened = head.startswith("CONNECT") and b" 200 " in begun.split(b"\r\n")[0]
            whole = opened or (length and len(body) >= int(length[1]))
            if not chunk or (ended and whole):
                break
        return answer.decode(errors="replace")


def name(host):
    return socket.getaddrinfo(host, 443, socket.AF_INET)[0][4][0]


def scan(host):
    """Every TCP port that answers."""
    opened = []
    for start in range(1, 65536, 512):
        waiting = selectors.DefaultSelector()
        for port in range(start, min(start + 512, 65536)):
            stream = socket.socket()
            stream.setblocking(False)
            code = stream.connect_ex((host, port))
            if code == errno.EINPROGRESS:
                waiting.register(stream, selectors.EVENT_WRITE, port)
            else:
                stream.close()
                if code == 0:
                    opened.append(port)
        until = time.monotonic() + PATIENCE
        while waiting.get_map() and time.monotonic() < until:
            for key, _ in waiting.select(1.0):
                waiting.unregister(key.fileobj)
                if key.fileobj.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
                    opened.append(key.data)
                key.fileobj.close()
        for key in list(waiting.get_map().values()):
            waiting.unregister(key.fileobj)
            key.fileobj.close()
        waiting.close()
    return sorted(opened)


def take_address(address):
    """Gives itself another address: by ioctl, and by a message to the kernel."""
    def by_ioctl():
        import fcntl
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
            request = struct.pack("16sH2s4s8s", b"eth0:9", socket.AF_INET, b"",
                                  socket.inet_aton(address), b"")
            fcntl.ioctl(control, 0x8916, request)

    def by_netlink():
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as link:
            index = socket.if_nametoindex("eth0")
            body = struct.pack("BBBBi", socket.AF_INET, 28, 0, 0, index)
            for kind in (1, 2):
                body += struct.pack("HH4s", 8, kind, socket.inet_aton(address))
            link.send(struct.pack("IHHII", 16 + len(body), 20, 0x605, 1, 0) + body)
            answer = link.recv(4096)
            code = struct.unpack_from("i", answer, 16)[0]
            if code:
                raise OSError(-code, "netlink")

    def raw_frame():
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0x0806) as frame:
            frame.bind(("eth0", 0))
            frame.send(b"\xff" * 6 + b"\x02" + b"\x00" * 5 + b"\x08\x06" + b"\x00" * 28)

    return {"ioctl": attempt(by_ioctl), "netlink": attempt(by_netlink),
            "raw frame": attempt(raw_frame),
            "forward": attempt(lambda: open("/proc/sys/net/ipv4/ip_forward", "w").write("1"))}


def apart(work):
    """Runs it in a child: what it does, and what the kernel does to it, ends there."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, attempt(work).encode())
        os._exit(0)
    os.close(writing)
    text = os.fdopen(reading).read()
    status = os.waitpid(child, 0)[1]
    return text or signal.Signals(os.WTERMSIG(status)).name


LIBC = ctypes.CDLL(None, use_errno=True)
# Numbers of x86_64 where another machine has others.
CALLS = {
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51),
    "unshare": (272, 97), "setns": (308, 268), "bpf": (321, 280), "keyctl": (250, 219),
    "add_key": (248, 217), "request_key": (249, 218), "perf_event_open": (298, 241),
    "userfaultfd": (323, 282), "io_uring_setup": (425, 425), "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427), "init_module": (175, 105), "finit_module": (313, 273),
    "delete_module": (176, 106), "kexec_load": (246, 104), "open_by_handle_at": (304, 265),
    "swapon": (167, 224), "reboot": (169, 142), "settimeofday": (164, 170),
    "clock_settime": (227, 112), "adjtimex": (159, 171), "syslog": (103, 116), "acct": (163, 89),
    "quotactl": (179, 60), "fsopen": (430, 430), "fsmount": (432, 432), "move_mount": (429, 429),
    "open_tree": (428, 428), "mount_setattr": (442, 442), "fanotify_init": (300, 262),
    "clone3": (435, 435), "kcmp": (312, 272), "move_pages": (279, 239), "sethostname": (170, 161),
    "personality": (135, 92), "clone": (56, 220), "memfd_create": (319, 279), "getpid": (39, 172),
}
NAMESPACES = {"user": 0x10000000, "pid": 0x20000000, "net": 0x40000000, "mnt": 0x00020000,
              "uts": 0x04000000, "ipc": 0x08000000, "cgroup": 0x02000000}
FAMILIES = {"AF_VSOCK": 40, "AF_ALG": 38, "AF_PACKET": 17, "AF_KEY": 15, "AF_XDP": 44,
            "AF_BLUETOOTH": 31, "AF_CAN": 29, "AF_TIPC": 30, "AF_RDS": 21, "AF_NFC": 39}


def call(wanted, *arguments):
    number = CALLS[wanted][0 if platform.machine() == "x86_64" else 1]
    result = LIBC.syscall(number, *[ctypes.c_long(argument) for argument in arguments])
    if result < 0:
        raise OSError(ctypes.get_errno(), wanted)
    return None


def machine_code(code):
    """Runs a few bytes of machine code: an entry to the kernel that is not this machine's."""
    page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(code)
    address = ctypes.addressof(ctypes.c_char.from_buffer(page))
    result = ctypes.CFUNCTYPE(ctypes.c_int)(address)()
    if result < 0:
        raise OSError(-result, "entry")


def syscalls():
    flag = 17
    results = {}
    for wanted in CALLS:
        if wanted in ("clone", "personality", "unshare", "getpid", "memfd_create"):
            continue
        arguments = {"setns": (-1, 0), "bpf": (0, 0, 0), "userfaultfd": (1,),
                     "io_uring_setup": (1, 0), "reboot": (0, 0, 0), "keyctl": (0, -3, 1),
                     "open_by_handle_at": (-1, 0, 0), "sethostname": (0, 99),
                     "syslog": (3, 0, 0)}.get(wanted, (0, 0, 0, 0, 0))
        results[wanted] = apart(lambda: call(wanted, *arguments))
    for which, flag in NAMESPACES.items():
        results[f"unshare {which}"] = apart(lambda: call("unshare", flag))
        # With no stack of its own, the child is a fork.
        results[f"clone {which}"] = apart(lambda: call("clone", flag | 17, 0, 0, 0, 0))
    for which, family in FAMILIES.items():
        results[f"socket {which}"] = apart(
            lambda: socket.socket(family, socket.SOCK_DGRAM if family != 38 else
                                  socket.SOCK_SEQPACKET).close())
    results["personality"] = apart(lambda: call("personality", 0x0400000))
    if platform.machine() == "x86_64":
        # getpid by `int 0x80`, and by the x32 numbers.
        results["int 0x80"] = apart(lambda: machine_code(b"\xb8\x14\x00\x00\x00\xcd\x80\xc3"))
        results["x32"] = apart(lambda: machine_code(b"\xb8\x27\x00\x00\x40\x0f\x05\xc3"))
    # What programs need: a profile that refused everything would prove nothing.
    results["getpid"] = apart(lambda: call("getpid"))
    results["memfd_create"] = apart(lambda: call("memfd_create", id(b"x"), 0))
    results["thread"] = apart(lambda: threading.Thread(target=print).start())
    return results


def status(process="self"):
    fields = dict(line.rstrip("\n").split(":\t", 1) for line in open(f"/proc/{process}/status")
                  if ":\t" in line)
    wanted = ("Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb",
              "NoNewPrivs", "Seccomp")
    found = {field: fields.get(field, "").strip() for field in wanted}
    found["core"] = str(resource.getrlimit(resource.RLIMIT_CORE))
    return found


def surroundings():
    """Sockets, mounts, devices, and what the environment points to."""
    sockets = []
    for folder, folders, files in os.walk("/"):
        if folder == "/":
            folders[:] = [one for one in folders if one not in ("proc", "sys")]
        for file in files:
            path = os.path.join(folder, file)
            try:
                if (os.lstat(path).st_mode & 0o170000) == 0o140000:
                    sockets.append(path)
            except OSError:
                pass
    mounts = [line.split()[4] for line in open("/proc/self/mountinfo")]
    kinds = {line.split()[4]: line.split(" - ")[1].split()[0] for line in
             open("/proc/self/mountinfo")}
    unix = [line.split()[7] for line in open("/proc/net/unix") if len(line.split()) > 7]
    blocks = [one for one in os.listdir("/dev")
              if (os.lstat(f"/dev/{one}").st_mode & 0o170000) == 0o060000]
    return {"sockets": sockets, "mounts": mounts, "kinds": kinds, "unix": unix, "blocks": blocks,
            "devices": sorted(os.listdir("/dev")), "variables": sorted(os.environ)}


def abstract(which):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stream:
        stream.settimeout(LIMIT)
        stream.connect("\0" + which)


def search(needles):
    """Where any of the texts is: environments, command lines, and every file but the tools."""
    found = {needle: [] for needle in needles}
    looked = 0

    def look(path, limit=1 << 22):
        nonlocal looked
        try:
            with open(path, "rb") as file:
                text = file.read(limit)
        except OSError:
            return
        looked += 1
        for needle in needles:
            if needle.encode() in text:
                found[needle].append(path)

    for process in filter(str.isdigit, os.listdir("/proc")):
        if int(process) == os.getpid():
            continue
        for file in ("environ", "cmdline", "mountinfo", "status"):
            look(f"/proc/{process}/{file}")
    for folder, folders, files in os.walk("/"):
        if folder == "/":
            folders[:] = [one for one in folders if one not in ("proc", "sys", "dev", "usr")]
        for file in files:
            path = os.path.join(folder, file)
            if os.path.isfile(path) and not os.path.islink(path):
                look(path)
    return {"found": found, "looked": looked}


def allocate(mebibytes):
    kept = []
    for _ in range(int(mebibytes)):
        block = bytearray(1 << 20)
        block[::4096] = b"x" * len(block[::4096])
        kept.append(block)
    return {"allocated": len(kept)}


def fork_many(count):
    children = []
    refused = ""
    for _ in range(int(count)):
        try:
            child = os.fork()
        except OSError as error:
            refused = errno.errorcode[error.errno]
            break
        if child == 0:
            signal.pause()
            os._exit(0)
        children.append(child)
    print(json.dumps({"children": len(children), "refused": refused}), flush=True)
    # Whoever looks from outside says when they may go.
    sys.stdin.readline() if not sys.stdin.closed else None
    for child in children:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    return {"gone": len(children)}


def fill(path, mebibytes):
    written = 0
    try:
        with open(path, "wb", buffering=0) as file:
            for _ in range(int(mebibytes)):
                written += file.write(b"x" * (1 << 20))
        result = "ok"
    except OSError as error:
        result = errno.errorcode[error.errno]
    try:
        os.unlink(path)
    except OSError:
        pass
    return {"mebibytes": written >> 20, "result": result}


def elevated(program):
    """Runs a setuid program and reports who it is."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(writing, 1)
        os.execv(program, [program, "-c", "import os; print(os.geteuid())"])
    os.close(writing)
    text = os.fdopen(reading).read().strip()
    os.waitpid(child, 0)
    return {"euid": text}


def elevate_as_root(uid):
    """The same where nothing forbids it: root makes the program, then becomes somebody else."""
    plant("/suid-python")
    os.setgid(int(uid))
    os.setuid(int(uid))
    return elevated("/suid-python")


def plant(path):
    import shutil
    shutil.copy(os.path.realpath("/usr/bin/python3"), path)
    os.chmod(path, 0o4755)
    return {"mode": oct(os.stat(path).st_mode)}


def setuid_files():
    found = []
    for folder, folders, files in os.walk("/"):
        if folder == "/":
            folders[:] = [one for one in folders if one not in ("proc", "sys")]
        for file in files:
            path = os.path.join(folder, file)
            try:
                mode = os.lstat(path).st_mode
            except OSError:
                continue
            if (mode & 0o170000) == 0o100000 and mode & 0o6000:
                found.append(path)
    return {"found": found}


def main(mode, *words):
    if mode == "tcp":
        return at_once({word: (lambda word=word: tcp(word)) for word in words})
    if mode == "spoof":
        source, *targets = words
        return at_once({word: (lambda word=word: tcp(word, source)) for word in targets})
    if mode == "udp":
        return at_once({word: (lambda word=word: udp(word)) for word in words})
    if mode == "ping":
        attempts = {}
        for word in words:
            attempts[f"datagram {word}"] = lambda word=word: ping(word, socket.SOCK_DGRAM)
            attempts[f"raw {word}"] = lambda word=word: ping(word, socket.SOCK_RAW)
        return at_once(attempts)
    if mode == "names":
        return at_once({word: (lambda word=word: name(word)) for word in words})
    if mode == "tunnel":
        return {word: attempt(lambda word=word: tunnel(words[0], word)) for word in words[1:]}
    if mode == "scan":
        return {word: scan(word) for word in words}
    if mode == "abstract":
        return {word: attempt(lambda word=word: abstract(word)) for word in words}
    if mode == "search":
        return search(words)
    modes = {"address": take_address, "syscalls": syscalls, "status": status,
             "surroundings": surroundings, "allocate": allocate, "fork": fork_many, "fill": fill,
             "elevated": elevated, "elevate-as-root": elevate_as_root, "plant": plant,
             "setuid": setuid_files}
    return modes[mode](*words)


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])), flush=True)
