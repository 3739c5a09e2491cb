#!/usr/bin/python3
"""An independent STAMP codec (scapy.contrib.stamp) at the other end of a packet.

stamp_scapy.py reflect ADDRESS        prints its port, then reflects until standard input ends; tells when the answer before
                                      left where that is asked for (Follow-Up Telemetry)
stamp_scapy.py send ADDRESS PORT N    sends N packets that ask for that too, and prints a line for each reply: seq, seq_sender, ssid,
                                      ttl_sender, T1, T2, T3, T4 (seconds since 1970), the error estimate's S, scale and multiplier,
                                      bytes, and of the extension: flags, sequence number, seconds since 1970, method
"""
import select
import socket
import struct
import sys
import time

from scapy.contrib.stamp import (ErrorEstimate, STAMPSessionReflectorTestUnauthenticated,
                                 STAMPSessionSenderTestUnauthenticated, STAMPTestTLV)

EPOCH = 2208988800  # from 1900 to 1970


FOLLOW_UP, SOFTWARE = 7, 2
UNKNOWN = 0x80  # the flag U


class Within:
    """What scapy wants to know of the UDP header, where there is none."""
    def __init__(self, data):
        self.len = 8 + len(data)


def dissect(cls, data):
    packet = cls.__new__(cls)
    cls.__init__(packet, _internal=1)
    packet.parent = Within(data)
    packet.dissect(data)
    return packet


def follow_up(flags, number, left):
    value = struct.pack(">IIIBxxx", number, int(left), int(left % 1 * 2**32), SOFTWARE if left else 0)
    return STAMPTestTLV(flags=flags, type=FOLLOW_UP, len=len(value), value=value)


def open_socket(address):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_DGRAM)
    opened.settimeout(5)
    return opened


def reflect(address):
    server = open_socket(address)
    server.bind((address, 0))
    print(server.getsockname()[1], flush=True)
    count, left = 0, 0
    while True:
        ready, _, _ = select.select([server, sys.stdin], [], [])
        if sys.stdin in ready:
            return
        data, sender = server.recvfrom(2048)
        received = time.time()
        request = dissect(STAMPSessionSenderTestUnauthenticated, data)
        reply = STAMPSessionReflectorTestUnauthenticated(
            seq=count, ts=time.time() + EPOCH, err_estimate=ErrorEstimate(S=1, Z=0, scale=20, multiplier=3), ssid=request.ssid,
            ts_rx=received + EPOCH, seq_sender=request.seq, ts_sender=0, err_estimate_sender=request.err_estimate, ttl_sender=64,
            tlv_objects=[follow_up(0, max(count - 1, 0), left) for tlv in request.tlv_objects if tlv.type == FOLLOW_UP])
        wire = bytearray(bytes(reply))
        wire[28:36] = data[4:12]  # a double does not hold all bits of a time stamp
        answer = bytes(wire)
        left = time.time() + EPOCH
        server.sendto(answer, sender)
        count += 1


def send(address, port, count):
    client = open_socket(address)
    for number in range(count):
        sent = time.time()
        request = STAMPSessionSenderTestUnauthenticated(
            seq=1000 + number, ts=sent + EPOCH, err_estimate=ErrorEstimate(S=0, Z=0, scale=10, multiplier=7), ssid=4711,
            tlv_objects=[follow_up(UNKNOWN, 0, 0)])
        client.sendto(bytes(request), (address, port))
        data, _ = client.recvfrom(2048)
        received = time.time()
        reply = dissect(STAMPSessionReflectorTestUnauthenticated, data)
        estimate = reply.err_estimate
        tlv, = reply.tlv_objects
        before, seconds, fraction, method = struct.unpack(">IIIBxxx", tlv.value)
        left = seconds - EPOCH + fraction / 2**32 if seconds else 0
        print(reply.seq, reply.seq_sender, reply.ssid, reply.ttl_sender, f"{sent:.6f}", f"{reply.ts_rx - EPOCH:.6f}",
              f"{reply.ts - EPOCH:.6f}", f"{received:.6f}", estimate.S, estimate.scale, estimate.multiplier, len(data),
              int(tlv.flags), before, f"{left:.6f}", method)


if __name__ == "__main__":
    if sys.argv[1] == "reflect":
        reflect(sys.argv[2])
    else:
        send(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
