// Names that differ by the instruction set UPRES_ISA, for which a source is being compiled.
#pragma once

#define UPRES_STRING_(x) #x
#define UPRES_STRING(x) UPRES_STRING_(x)
#define UPRES_JOIN_(a, b) a##b
#define UPRES_JOIN(a, b) UPRES_JOIN_(a, b)
