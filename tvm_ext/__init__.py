"""TVM side of memstow: the C++ core, Relax passes, the compilation pipeline and the runtime."""
