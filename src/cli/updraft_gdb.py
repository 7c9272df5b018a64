# SPDX-License-Identifier: Apache-2.0
"""For GNU gdb: debug the firmware of a virtual board over resets.

`updraft board run FILE --gdb` holds each boot until a debugger has attached, and names the process in FILE.gdb. Each boot
is a new process, which may run another image: its symbols are loaded, and gdb moves the breakpoints to it.
"""

import json
import os
import time

import gdb

LOOK = 0.05  # seconds between looks at the board


class Board:
    """The board that is debugged."""

    def __init__(self, path):
        self.path = path
        self.boot = 0  # that was attached to last
        self.elf = None
        self.following = False  # a command continues it
        self.arriving = False  # attached after a reset, not yet stopped
        self.resumed = False  # continued by us, while the prompt stands
        self.seen = False

    def announced(self):
        """What the supervisor says of the present boot; None: it says nothing."""
        try:
            with open(self.path + ".gdb") as file:
                said = json.load(file)
            os.kill(said["supervisor"], 0)
        except (FileNotFoundError, ProcessLookupError):
            return None
        except PermissionError:  # of somebody else; attaching will say so
            pass
        return said

    def next_boot(self):
        """Wait for a boot that is not yet debugged; None: the board is off."""
        if not self.announced() and not self.seen:
            print(f"updraft: waiting for 'updraft board run {self.path} --gdb'")
        while True:
            said = self.announced()
            if said and said["boot"] != self.boot and os.path.exists(f"/proc/{said['pid']}"):
                self.seen = True
                return said
            if self.seen and not said:
                return None
            time.sleep(LOOK)

    def attach(self):
        said = self.next_boot()
        if not said:
            print("updraft: the board is off")
            self.boot, self.seen = 0, False
            return False
        self.boot = said["boot"]
        elf = said.get("elf")
        if not elf:
            print("updraft: no ELF of this firmware was found: 'updraft board run' has --elf FILE|FOLDER")
            gdb.execute("file", to_string=True)
        elif elf != self.elf:
            gdb.execute('file "' + elf.replace("\\", "\\\\").replace('"', '\\"') + '"')
        self.elf = elf
        gdb.execute(f"attach {said['pid']}", to_string=True)
        print(f"updraft: boot {self.boot}, process {said['pid']}")
        return True

    def follow(self):
        """Continue until something else than a reset stops the firmware."""
        self.following = True
        try:
            while True:
                gdb.execute("continue")
                if gdb.selected_inferior().pid or not self.attach():
                    return
        finally:
            self.following = False


board = None


def go_on():
    board.resumed = True
    gdb.execute("continue")


def show_prompt():
    gdb.write(gdb.parameter("prompt"))
    gdb.flush()


def after_reset():
    """At the prompt, gdb's own loop: an attach returns at once, and the process stops a moment later."""
    if board and not gdb.selected_inferior().pid:
        board.arriving = board.attach()


def on_stop(event):
    if board and board.arriving:
        board.arriving = False
        gdb.post_event(go_on)
    elif board and board.resumed:  # gdb does not know that its prompt has scrolled away
        board.resumed = False
        gdb.post_event(show_prompt)


def on_exit(event):
    """The process ended, and somebody at the prompt had continued it."""
    if board and board.boot and not board.following:
        gdb.post_event(after_reset)


class Attach(gdb.Command):
    """updraft-attach FILE: wait for that board, which 'updraft board run FILE --gdb' runs, and attach to it."""

    def __init__(self):
        super().__init__("updraft-attach", gdb.COMMAND_RUNNING, gdb.COMPLETE_FILENAME)

    def invoke(self, argument, from_tty):
        global board
        words = gdb.string_to_argv(argument)
        if len(words) != 1:
            raise gdb.GdbError("updraft-attach FILE: which board? Name its flash file")
        board = Board(words[0])
        board.attach()


class Continue(gdb.Command):
    """updraft-continue: continue over resets until something stops the firmware, or the board is off."""

    def __init__(self):
        super().__init__("updraft-continue", gdb.COMMAND_RUNNING)

    def invoke(self, argument, from_tty):
        if not board or not gdb.selected_inferior().pid:
            raise gdb.GdbError("no board is attached: updraft-attach FILE")
        board.follow()


for setting in ("pagination off", "confirm off", "exec-file-mismatch off", "breakpoint pending on"):
    gdb.execute("set " + setting)
Attach()
Continue()
gdb.events.exited.connect(on_exit)
gdb.events.stop.connect(on_stop)
