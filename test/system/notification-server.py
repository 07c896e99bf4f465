#!/usr/bin/python3
"""A notification server for tests (Desktop Notifications Specification 1.2): each Notify and CloseNotification a JSON line on stdout."""
import json

import dbus
import dbus.service
from dbus.mainloop.glib import DBusGMainLoop
from gi.repository import GLib

NAME = "org.freedesktop.Notifications"


def say(**facts):
    print(json.dumps(facts), flush=True)


class Server(dbus.service.Object):
    last = 0

    @dbus.service.method(NAME, in_signature="susssasa{sv}i", out_signature="u")
    def Notify(self, app, replaces, icon, summary, body, actions, hints, expire):
        if replaces == 0:
            self.last += 1
        shown = int(replaces) or self.last
        say(call="Notify", id=shown, app=app, replaces=int(replaces), summary=summary, body=body,
            actions=[str(one) for one in actions], urgency=int(hints.get("urgency", 1)), expire=int(expire))
        return dbus.UInt32(shown)

    @dbus.service.method(NAME, in_signature="u")
    def CloseNotification(self, shown):
        say(call="CloseNotification", id=int(shown))

    @dbus.service.method(NAME, out_signature="as")
    def GetCapabilities(self):
        return dbus.Array(["actions", "body", "body-markup"], signature="s")

    @dbus.service.method(NAME, out_signature="ssss")
    def GetServerInformation(self):
        return ("test", "airlock", "1", "1.2")


DBusGMainLoop(set_as_default=True)
bus = dbus.SessionBus()
name = dbus.service.BusName(NAME, bus)
server = Server(bus, "/org/freedesktop/Notifications")
say(call="ready")
GLib.MainLoop().run()
