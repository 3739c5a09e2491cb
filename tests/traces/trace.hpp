#pragma once
#include <iosfwd>
#include <string>
#include <vector>

#include "daemon/model/round.hpp"

/// The text form of what a target's members said. One fact a line, words separated by blanks, "-" for
/// nothing, times in nanoseconds of the recording machine's monotonic clock.
namespace qw::traces {

/// Leadership claims, memberships, positions and silences of a round; other facts are left out.
void write_round(std::ostream& out, const Round& round);

struct TraceRound {
  SteadyTime finished;
  std::vector<Facts> looks;  ///< the first of all members, further ones of single members
};

/// One line of the form `# expect last|max|min SERIES VALUE`.
struct Expectation {
  std::string when;
  std::string series;
  double value = 0;
};

struct Trace {
  std::vector<Expectation> expectations;
  std::vector<TraceRound> rounds;
};

/// Throws std::runtime_error with the line that it does not understand.
Trace read_trace(std::istream& in);

}  // namespace qw::traces
