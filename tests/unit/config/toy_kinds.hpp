#pragma once
#include <any>
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "config/tls.hpp"

/// Kinds of target that exist only in these tests and have a field of every type.
namespace qw::config::toy {

struct Nest {
  std::string host;
  std::uint64_t eggs = 2;
};

struct Pond {
  std::vector<std::string> members;
  std::uint64_t ducks = 3;
  double depth = 1.5;
  bool frozen = false;
  std::string colour = "green";
  std::string greeting = "quack | honk";
  std::optional<std::string> nickname;
  std::optional<std::uint64_t> limit;
  std::optional<Nanoseconds> grace;
  Nanoseconds ripple = std::chrono::seconds(90);
  SecretFile password_file;
  Path map_file;
  std::vector<Path> charts;
  TlsOptions tls;
  std::vector<Nest> nests;
};

struct Lake {
  std::vector<std::string> members;
};

Pond read_pond(Fields& fields);
std::span<const Kind> kinds();

}  // namespace qw::config::toy
