#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "probes/wire/kafka_frame.hpp"

namespace qw::wire::kafka {

/// A reply that a real broker gave (tests/unit/wire/kafka).
struct Recorded {
  std::string broker;  ///< "3.9.2"
  std::string name;    ///< "OffsetFetch:named"
  Api api;
  std::int16_t version = 0;
  std::string frame;  ///< without its size
  std::string print() const { return broker + " " + name + " v" + std::to_string(version); }
};

const std::vector<Recorded>& all_recorded();
/// The content after the header; fails the test when there is no such recording.
std::string_view recorded_body(std::string_view broker, std::string_view name, std::int16_t version);
std::string from_hex(std::string_view hex);
std::string to_hex(std::string_view bytes);

}  // namespace qw::wire::kafka
