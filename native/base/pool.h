// Threads that wait for work: waking them costs microseconds, making them a hundred.
#pragma once

#include <functional>

namespace upres {

// Calls `task(i)` once for each i < count on up to `threads` threads, the caller's among them; returns when all are
// done. Which thread takes which task is not determined. Calls from several threads take turns.
// An exception of a task is thrown again here, once all have ended.
void run_parallel(int count, int threads, const std::function<void(int)>& task);

// Whether `run_parallel` on the calling thread leaves the tasks to threads of the lowest priority, which work in the time
// that others leave on the processor: an encoder, whose threads wait for each other, is not held up by a network then.
// Where hardly any time is left, because something else keeps the cores busy, the caller takes the tasks as well, and
// does so for some seconds, longer after each further time. Nothing changes where the system has no such priority.
void give_way(bool value);

// Threads that run at once on this machine for this process.
int hardware_threads();

}  // namespace upres
