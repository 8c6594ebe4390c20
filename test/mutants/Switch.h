//===- Switch.h - One change of a source file at run time -------*- C++ -*-===//
//
// What test/mutants/schemata.py writes into copies of source files asks:
// whether the change of this number is the one that LADON_MUTANT names. Which
// were asked is noted in the file that LADON_MUTANTS_REACHED names, one byte
// for each, as it happens: a process may crash. No source file includes this;
// the build of scripts/mutate --source does it for all (-include).
//
//===----------------------------------------------------------------------===//

#ifndef LADON_MUTANTS_SWITCH_H
#define LADON_MUTANTS_SWITCH_H

#include <cstdlib>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct LadonMutants {
  int active = 0;
  unsigned char *reached = nullptr;

  LadonMutants() {
    if (const char *number = getenv("LADON_MUTANT"))
      active = atoi(number);
    const char *name = getenv("LADON_MUTANTS_REACHED");
    int file = name ? open(name, O_RDWR) : -1;
    struct stat state;
    if (file < 0 || fstat(file, &state) != 0)
      return;
    void *bytes = mmap(nullptr, state.st_size, PROT_READ | PROT_WRITE,
                       MAP_SHARED, file, 0);
    reached = bytes == MAP_FAILED ? nullptr : (unsigned char *)bytes;
    close(file);
  }
};
inline LadonMutants ladonMutants;

inline bool ladonMutant(int number) {
  if (ladonMutants.reached)
    ladonMutants.reached[number] = 1;
  return number == ladonMutants.active;
}

#endif // LADON_MUTANTS_SWITCH_H
