#include <cstdio>
#include <exception>
#include <string_view>
#include <vector>

#include "daemon/program.hpp"

int main(int argc, char** argv) {
  try {
    const std::vector<std::string_view> args(argv + (argc > 0 ? 1 : 0), argv + argc);
    return qw::program(args);
  } catch (const std::exception& bug) {
    std::fprintf(stderr, "quorumwatch: this is a bug: %s\n", bug.what());
    return 1;
  }
}
