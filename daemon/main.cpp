#include <malloc.h>

#include <cstdio>
#include <exception>
#include <string_view>
#include <vector>

#include "daemon/program.hpp"

namespace {

/// Pages and replies of megabytes come and go each round. Left to itself the C library learns from the first
/// of them to cut the later ones from the heap, where what lies between them keeps it from ever giving any
/// back (1,000 consumer groups: 44 MB instead of 57 MB, for the same CPU time).
void give_large_blocks_back() {
  constexpr int kLarge = 128 * 1024;
  ::mallopt(M_MMAP_THRESHOLD, kLarge);
}

}  // namespace

int main(int argc, char** argv) {
  give_large_blocks_back();
  try {
    const std::vector<std::string_view> args(argv + (argc > 0 ? 1 : 0), argv + argc);
    return qw::program(args);
  } catch (const std::exception& bug) {
    std::fprintf(stderr, "quorumwatch: this is a bug: %s\n", bug.what());
    return 1;
  }
}
