/* spread: up at once, down slowly. Pure; bounds: 1..loops. */
#include "spread.h"

void spread_init(struct spread *spread, size_t loops, uint64_t now_ms)
{
    *spread = (struct spread){.loops = loops, .active = loops, .looked_ms = now_ms};
}

/* How many loops should be active for `busy`, hundredths of a loop's time that all took together. */
static size_t wanted(struct spread *spread, uint64_t busy, bool lost)
{
    size_t active = spread->active;
    if (lost)
        return spread->loops;
    if (busy > SPREAD_BUSY * active)
        return active * 2 < spread->loops ? active * 2 : spread->loops;
    if (active > 1 && busy < SPREAD_IDLE * (active - 1)) {
        if (++spread->calm_looks >= SPREAD_CALM_LOOKS)
            return active - 1;
        return active;
    }
    spread->calm_looks = 0;
    return active;
}

bool spread_look(struct spread *spread, uint64_t now_ms, const struct spread_work *work)
{
    uint64_t passed_ms = now_ms - spread->looked_ms;
    size_t before = spread->active;
    if (passed_ms < SPREAD_LOOK_MS)
        return false;
    uint64_t busy = (work->busy_us - spread->work.busy_us) / (passed_ms * 10);
    spread->active = wanted(spread, busy, work->drops > spread->work.drops);
    spread->work = *work;
    spread->looked_ms = now_ms;
    if (spread->active != before)
        spread->calm_looks = 0;
    return spread->active != before;
}
