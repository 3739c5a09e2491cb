// Files of members, as YAML and as JSON: refused with problems at places within them, or read as addresses
// within the caps, each at its place.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "daemon/base/text.hpp"
#include "daemon/members/sd_file.hpp"

namespace {

void hold(bool condition) {
  if (!condition) std::abort();
}

void read(std::string_view text, const char* file) {
  const auto lines = static_cast<std::size_t>(std::ranges::count(text, '\n')) + 1;
  const auto sd = qw::members::read_sd_file(text, file);
  hold(sd.problems.empty() || sd.addresses.empty());
  hold(sd.addresses.size() <= qw::members::kMaxAddresses);
  // An escape that is cut off reads on into the end of document that parse_document() adds.
  for (const auto& problem : sd.problems)
    hold(problem.line <= lines + 2 && qw::is_valid_utf8(problem.print()));
  for (const auto& address : sd.addresses)
    hold(!address.text.empty() && address.place.line >= 1 && address.place.line <= lines);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  read(text, "fuzz.yml");
  read(text, "fuzz.json");
  return 0;
}
