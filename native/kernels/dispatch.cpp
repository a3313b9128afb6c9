// Which instruction sets this build holds and this processor runs.
#include <cstring>

#include "kernels/kernels.h"

namespace upres {
namespace {

#if defined(__x86_64__)
bool runs_avx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
bool runs_avx512() {
  return runs_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}
bool runs_avx512vnni() { return runs_avx512() && __builtin_cpu_supports("avx512vnni"); }
#endif

}  // namespace

int available(const Kernels* (&list)[4]) {
  int count = 0;
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (runs_avx512vnni()) list[count++] = kernels_avx512vnni();
  if (runs_avx512()) list[count++] = kernels_avx512();
  if (runs_avx2()) list[count++] = kernels_avx2();
#endif
  list[count++] = kernels_baseline();
  return count;
}

const Kernels* find_kernels(const char* name) {
  const Kernels* list[4];
  const int count = available(list);
  for (int i = 0; i < count; ++i) {
    if (*name == '\0' || std::strcmp(name, list[i]->name) == 0) return list[i];
  }
  return nullptr;
}

}  // namespace upres
