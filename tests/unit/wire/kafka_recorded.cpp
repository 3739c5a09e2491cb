#include "tests/unit/wire/kafka_recorded.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "daemon/base/text.hpp"

namespace qw::wire::kafka {
namespace {

Api api_named(std::string_view name) {
  const auto found = std::ranges::find(supported_apis(), name.substr(0, name.find(':')), &ApiSupport::name);
  return found->api;
}

void load(const std::string& broker, std::vector<Recorded>& into) {
  std::ifstream in(std::string(QW_SOURCE_DIR) + "/tests/unit/wire/kafka/" + broker + ".txt");
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with('#')) continue;
    std::istringstream words(line);
    std::string name, hex;
    std::int16_t version = 0;
    words >> name >> version >> hex;
    into.push_back({broker, name, api_named(name), version, from_hex(hex)});
  }
}

}  // namespace

const std::vector<Recorded>& all_recorded() {
  static const std::vector<Recorded> all = [] {
    std::vector<Recorded> loaded;
    for (const char* broker : {"3.9.2", "4.3.1"}) load(broker, loaded);
    return loaded;
  }();
  return all;
}

std::string_view recorded_body(std::string_view broker, std::string_view name, std::int16_t version) {
  for (const Recorded& reply : all_recorded()) {
    if (reply.broker != broker || reply.name != name || reply.version != version) continue;
    const auto head = read_reply_head(reply.api, version, reply.frame);
    if (head) return head->body;
  }
  ADD_FAILURE() << "no recording of " << broker << " " << name << " v" << version;
  return {};
}

std::string from_hex(std::string_view hex) {
  std::string bytes;
  for (std::size_t at = 0; at + 1 < hex.size(); at += 2) {
    if (hex[at] == ' ') ++at;
    bytes.push_back(static_cast<char>(parse_hex_uint64(hex.substr(at, 2)).value_or(0)));
  }
  return bytes;
}

std::string to_hex(std::string_view bytes) {
  std::string hex;
  for (const char byte : bytes) hex += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  return hex;
}

}  // namespace qw::wire::kafka
