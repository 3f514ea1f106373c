"""A process that sleeps on one CPU until SIGINT, then prints how often it woke, how often late, and by how much.

Without real-time priority it says nothing (zeros): a CPU that the test itself keeps busy would make it late.
"""
import os
import signal
import sys
import time


def sleep_on(cpu, nap_s, late_s):
    os.sched_setaffinity(0, {cpu})
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))
        counts = 1
    except PermissionError:
        counts = 0
    count = late = 0
    lost_s = 0.0
    stopped = []
    signal.signal(signal.SIGINT, lambda *_: stopped.append(True))
    print("ready", flush=True)
    while not stopped:
        begun = time.monotonic()
        time.sleep(nap_s)
        lag = time.monotonic() - begun - nap_s
        if not stopped:
            count += counts
        if not stopped and counts and lag > late_s:
            late, lost_s = late + 1, lost_s + lag
    print(count, late, lost_s)


if __name__ == "__main__":
    sleep_on(int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]))
