"""A router that answers oddly: NAT-PMP with short lives and ports that change, or UPnP that refuses what others take.

Words: `natpmp LIFE PORT PORT...` gives the first port outside for LIFE seconds, then at each renewal the next one; `at=ADDRESS`
before LIFE is its address outside;
`upnp` takes leases for ever alone (725), has a port taken (718), and is described by old HTTP; `elsewhere` names another
host in its answer to a search. Each request is a line on standard output.
"""
import re, select, socket, struct, sys, threading, time

ROUTER, OUTSIDE, TAKEN = '10.0.0.1', '11.0.0.1', '21473'
mode, words = sys.argv[1], sys.argv[2:]
if words and words[0].startswith('at='):
    OUTSIDE = words.pop(0)[3:]
started = time.time()


def say(text):
    print(text, flush=True)


def natpmp():
    life, ports = int(words[0]), [int(word) for word in words[1:]]
    given = {1: 0, 2: 0}
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((ROUTER, 5351))
    say('ready')
    while True:
        packet, peer = sock.recvfrom(100)
        epoch = int(time.time() - started)
        if packet[0] != 0:
            sock.sendto(struct.pack('>BBHI', 0, packet[1] | 128, 1, epoch), peer)
        elif packet[1] == 0:
            sock.sendto(struct.pack('>BBHI', 0, 128, 0, epoch) + socket.inet_aton(OUTSIDE), peer)
        else:
            _, op, _, inside, liked, wanted = struct.unpack('>BBHHHI', packet)
            port = 0 if wanted == 0 else ports[min(given[op], len(ports) - 1)]
            given[op] += wanted > 0
            say(f'map {op} {inside} {wanted} {port}')
            sock.sendto(struct.pack('>BBHIHHI', 0, op + 128, 0, epoch, inside, port, min(wanted, life)), peer)


DESCRIPTION = '''\ufeff<?xml version="1.0"?>
<root xmlns="urn:schemas-upnp-org:device-1-0"><URLBase></URLBase><device><deviceList><device><deviceList><device>
<serviceList><service><serviceType>urn:schemas-upnp-org:service:WANIPConnection:1</serviceType>
<controlURL>ctl</controlURL></service></serviceList></device></deviceList></device></deviceList></device></root>\0'''


def soap(head, body):
    action = re.search(r'(?i)soapaction: "[^#]*#(\w+)"', head).group(1)
    value = lambda name: (re.search(f'<{name}>([^<]*)<', body) or ['', ''])[1]
    port, lease = value('NewExternalPort'), value('NewLeaseDuration')
    say(' '.join(word for word in (action, value('NewProtocol'), port, lease) if word))
    code = 0
    if action == 'AddPortMapping':
        code = 725 if lease != '0' else 718 if port == TAKEN else 0
    inner = f'<NewExternalIPAddress>{OUTSIDE}</NewExternalIPAddress>' if action.startswith('Get') else ''
    if code:
        return '500 Internal Server Error', f'<e><UPnPError><errorCode>{code}</errorCode></UPnPError></e>'
    return '200 OK', f'<e><r>{inner}</r></e>'


def http():
    server = socket.socket()
    server.bind((ROUTER, 5000))
    server.listen(8)
    while True:
        conn, _ = server.accept()
        data = b''
        while b'\r\n\r\n' not in data:
            data += conn.recv(4096)
        head, body = data.split(b'\r\n\r\n', 1)
        head = head.decode()
        length = re.search(r'(?i)content-length: *(\d+)', head)
        while length and len(body) < int(length.group(1)):
            body += conn.recv(4096)
        status, text = soap(head, body.decode()) if head.startswith('POST') else ('200 OK', DESCRIPTION)
        conn.sendall(f'HTTP/1.0 {status}\r\n\r\n'.encode() + text.encode())
        conn.close()


def upnp(host):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(('239.255.255.250', 1900))
    group = socket.inet_aton('239.255.255.250') + socket.inet_aton(ROUTER)
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group)
    answers = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    answers.bind((ROUTER, 0))
    threading.Thread(target=http, daemon=True).start()
    say('ready')
    while True:
        packet, peer = sock.recvfrom(1500)
        kind = re.search(rb'(?i)\nst: *(\S+)', packet)
        if kind and kind.group(1).endswith(b'Device:1'):
            say('search')
            text = f'HTTP/1.1 200 OK\r\nlocation:http://{host}:5000/a/desc.xml\r\nST:{kind.group(1).decode()}\r\n\r\n'
            answers.sendto(text.encode(), peer)


natpmp() if mode == 'natpmp' else upnp('10.0.0.7' if mode == 'elsewhere' else ROUTER)
