// The readers of foreign configuration files and of /proc, chosen by the first byte: none of them may read
// beyond its text or keep more than is allowed, and what they take for a place can be printed and read again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "daemon/discover/proc_tables.hpp"
#include "daemon/discover/settings.hpp"

namespace {

void hold(bool condition) {
  if (!condition) std::abort();
}

void hold_place(const qw::discover::Place& place) {
  if (place.host.contains('%')) return;
  const auto again = qw::discover::read_place(qw::discover::print(place));
  hold(again && *again == place);
}

void hold_socket(const qw::discover::SocketLine& line) {
  hold(!line.listening.address.empty() && line.listening.port != 0);
  hold_place({line.listening.address, line.listening.port});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace qw::discover;
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0]) {
    case 'r':
      for (const auto& words : read_redis(text)) hold(!words.empty());
      break;
    case 'c':
      for (const auto& words : read_chrony(text)) hold(!words.empty());
      break;
    case 'p':
      for (const auto& [name, value] : read_postgres(text)) hold(!name.empty());
      break;
    case 'i':
      for (const auto& place : read_conninfo(text)) hold_place(place);
      break;
    case 'j':
      hold(read_properties(text).size() <= kMaxSettings);
      break;
    case 'v':
      hold(read_environment_file(text).size() <= kMaxSettings);
      break;
    case 'e':
      if (const auto read = read_etcd_file(text)) hold(!read->contains("password"));
      break;
    case 'u':
      if (const auto url = read_url(text); url && url->place.port && !url->place.host.empty())
        hold_place(url->place);
      break;
    case 't':
      for (const auto& line : read_sockets(text, false)) hold_socket(line);
      break;
    case 'f':
      read_ipv4(text, text);
      read_ipv6(text);
      read_unit(text);
      hold(read_strings(text, 8).size() <= 8);
      break;
    default:
      break;
  }
  return 0;
}
