#pragma once
#include <map>
#include <string>
#include <vector>

#include "daemon/journal/findings.hpp"
#include "daemon/journal/picked.hpp"

/// What one round of a target shows, one function for each of the six questions and for the target itself.
/// They read what the signals said, and judge nothing anew.
namespace qw::journal {

/// What they remember of a target from one round to the next.
struct Memory {
  Counters counters;
  std::vector<std::string> leaders;            ///< when somebody was last known to lead
  std::map<std::string, double> clock_offset;  ///< of members, in seconds
};

/// Members that did not answer while others did.
void find_silent_members(const Round& round, Findings& out);
void find_leadership(const Picked& samples, Memory& memory, Findings& out);
void find_replication(const Picked& samples, Findings& out);
void find_consumers(const Picked& samples, Memory& memory, Findings& out);
void find_wires(const Picked& samples, Findings& out);
void find_clocks(const Picked& samples, Memory& memory, Findings& out);
/// What single systems say of themselves and no signal judges (an alarm raised, a slot lost).
void find_states(const Picked& samples, Memory& memory, Findings& out);
/// Whether find_states() reads this family.
bool is_state_family(std::string_view family);

/// "leads", "lead": of a count.
inline std::string_view plural(double count, std::string_view one, std::string_view many) {
  return count == 1 ? one : many;
}

}  // namespace qw::journal
