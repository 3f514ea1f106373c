"""A process that sleeps on one CPU until SIGINT, then prints how often it woke, how often late, by how much, and by how
much in the worst hundred of naps.

Without real-time priority it says nothing (zeros): a CPU that the test itself keeps busy would make it late.
"""
import os
import signal
import sys
import time

WINDOW = 100  # naps


def sleep_on(cpu, nap_s, late_s):
    os.sched_setaffinity(0, {cpu})
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))
        counts = 1
    except PermissionError:
        counts = 0
    count = late = 0
    lost_s = window_s = worst_s = 0.0
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
            late, lost_s, window_s = late + 1, lost_s + lag, window_s + lag
        worst_s = max(worst_s, window_s)
        if count % WINDOW == 0:
            window_s = 0.0
    print(count, late, lost_s, worst_s)


if __name__ == "__main__":
    sleep_on(int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]))
