#!/usr/bin/env python3
"""A session of logind, as pam_systemd makes one: session.py UID SEAT TYPE. Lives until stdin ends; prints its id. Needs apt: python3-dbus."""
import subprocess
import sys

import dbus

uid, seat, kind = int(sys.argv[1]), sys.argv[2], sys.argv[3]
leader = subprocess.Popen(["sleep", "infinity"])
logind = dbus.SystemBus().get_object("org.freedesktop.login1", "/org/freedesktop/login1")
answer = logind.CreateSession(
    dbus.UInt32(uid), dbus.UInt32(leader.pid), "airlock-test", kind, "user", "", seat, dbus.UInt32(0),
    "", "", dbus.Boolean(seat == ""), "", "", dbus.Array([], signature="(sv)"),
    dbus_interface="org.freedesktop.login1.Manager",
)
fifo = answer[3].take()
print(answer[0], flush=True)
sys.stdin.read()
leader.kill()
