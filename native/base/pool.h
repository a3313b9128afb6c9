// Threads that wait for work: waking them costs microseconds, making them a hundred.
#pragma once

#include <functional>

namespace upres {

// Calls `task(i)` once for each i < count on up to `threads` threads, the caller's among them; returns when all are
// done. Which thread takes which task is not determined. Calls from several threads take turns.
// An exception of a task is thrown again here, once all have ended.
void run_parallel(int count, int threads, const std::function<void(int)>& task);

// Threads that run at once on this machine for this process.
int hardware_threads();

}  // namespace upres
