"""Runs a program the way a systemd unit would confine it: `sandbox.py UNIT WRITABLE-FOLDER PROGRAM ARGUMENT…`.

There need be no systemd: the unit's SystemCallFilter, RestrictAddressFamilies and MemoryDenyWriteExecute become a seccomp
filter here, of the same lists (systemd-analyze knows them). A call outside ends the program with SIGSYS, more strictly
than the unit's EPERM: whatever it tries is seen. As root it also gets ProtectSystem=strict (nothing but the folder can be
written), a user of its own and no capability, as a container with a read-only root does.
"""

import ctypes
import os
import subprocess
import sys
from pathlib import Path

NOBODY = 65534
ALLOW, KILL = 0x7FFF0000, 0x80000000
MASKED_EQ, EQ = 7, 4
CLONE_NEWNS, PR_SET_NO_NEW_PRIVS, PR_CAPBSET_DROP = 0x20000, 38, 24
PROT_WRITE, PROT_EXEC, SHM_EXEC = 2, 4, 0o100000
FAMILIES = {"AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10}

libc = ctypes.CDLL(None, use_errno=True)


class Comparison(ctypes.Structure):
    _fields_ = [("argument", ctypes.c_uint), ("operator", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]


def settings(unit):
    """Key → values, in order."""
    found = {}
    for line in Path(unit).read_text().splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith(("#", ";")):
            found.setdefault(key.strip(), []).append(value.strip())
    return found


def calls_of(name):
    """A system call's name, or all of a group's."""
    if not name.startswith("@"):
        return {name}
    said = subprocess.run(["systemd-analyze", "--no-pager", "syscall-filter", name], capture_output=True, text=True,
                          check=True)
    members = {line.strip() for line in said.stdout.splitlines()[1:] if line.strip() and not line.strip().startswith("#")}
    return set().union(*(calls_of(member) for member in members))


def allowed(unit):
    """The calls that remain once every line of SystemCallFilter is applied, the first one being a list of what may."""
    lines = unit["SystemCallFilter"]
    assert not lines[0].startswith("~"), "the first line names what is allowed"
    kept = calls_of("@default")
    for line in lines:
        names = set().union(*(calls_of(name) for name in line.lstrip("~").split()))
        kept = kept - names if line.startswith("~") else kept | names
    return kept


def confine(unit):
    """Loads the filter; it stays for good."""
    seccomp = ctypes.CDLL("libseccomp.so.2", use_errno=True)
    seccomp.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(seccomp.seccomp_init(ctypes.c_uint32(KILL)))

    def rule(action, call, *comparisons):
        number = seccomp.seccomp_syscall_resolve_name(call.encode())
        if number < 0:  # not of this architecture
            return
        made = (Comparison * len(comparisons))(*comparisons)
        done = seccomp.seccomp_rule_add_array(context, ctypes.c_uint32(action), number, len(comparisons), made)
        assert done == 0, f"{call}: {done}"

    special = {}
    if "RestrictAddressFamilies" in unit:
        names = " ".join(unit["RestrictAddressFamilies"]).split()
        special["socket"] = [[Comparison(0, EQ, FAMILIES[name], 0)] for name in names]
    if unit.get("MemoryDenyWriteExecute") == ["yes"]:
        both = PROT_WRITE | PROT_EXEC
        special["mmap"] = [[Comparison(2, MASKED_EQ, both, value)] for value in (0, PROT_WRITE, PROT_EXEC)]
        special["mprotect"] = special["pkey_mprotect"] = [[Comparison(2, MASKED_EQ, PROT_EXEC, 0)]]
        special["shmat"] = [[Comparison(2, MASKED_EQ, SHM_EXEC, 0)]]
    for call in allowed(unit):
        for comparisons in special.get(call, [[]]):
            rule(ALLOW, call, *comparisons)
    assert seccomp.seccomp_load(context) == 0, "the filter is loaded"


def shut_in(folder):
    """As root: nothing but the folder can be written; then no root any more."""
    assert libc.unshare(CLONE_NEWNS) == 0, os.strerror(ctypes.get_errno())
    for line in (["mount", "--make-rprivate", "/"], ["mount", "--bind", folder, folder],
                 ["mount", "-o", "remount,bind,ro", "/"]):
        subprocess.run(line, check=True)
    for capability in range(64):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    os.chown(folder, NOBODY, NOBODY)
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)


def main():
    unit, folder, program = settings(sys.argv[1]), sys.argv[2], sys.argv[3:]
    calls = allowed(unit)  # asks systemd-analyze while that can still be run
    assert {"execve", "read", "futex"} <= calls
    if os.geteuid() == 0:
        shut_in(folder)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    os.umask(int(unit["UMask"][0], 8))
    confine(unit)
    os.execv(program[0], program)


if __name__ == "__main__":
    main()
