#pragma once
#include <any>
#include <cstdint>
#include <functional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/addresses.hpp"
#include "config/alerting.hpp"
#include "config/fields.hpp"
#include "config/journal.hpp"
#include "config/placement.hpp"
#include "config/reflector.hpp"
#include "config/rules.hpp"
#include "daemon/base/error.hpp"

/// The configuration file as a whole. This folder knows no system: the kinds of target come in as a table.
namespace qw::config {

/// One problem, printed as `file:line:column: path: text` ("quorumwatch.yml:5:18: targets[0].members: ...").
struct Problem {
  std::string file;
  std::size_t line = 0;  ///< 1-based; 0: the file as a whole
  std::size_t column = 0;
  std::string path;
  std::string text;
  std::string print() const;
};

struct TargetCommon {
  std::string system;
  std::string name;
  Nanoseconds interval{};
  Nanoseconds timeout{};
  bool one_node = false;  ///< asked by one of the daemons of `placement` at a time, not by each
};

/// A kind of target: `system: etcd`. `read` declares the kind's own fields and returns what a probe is made
/// from later.
struct Kind {
  std::string_view system;
  std::string_view summary;
  std::function<std::any(Fields&)> read;
};

/// A target with other addresses.
struct FoundPlan {
  std::any plan;
  std::set<std::uint16_t> ports;
  std::string problems;  ///< each with its place; the plan is usable only when this is empty
};

struct TargetConfig {
  TargetCommon common;
  std::any plan;              ///< what Kind::read returned
  std::uint64_t fingerprint;  ///< equal when nothing about this target changed, the contents of its secret
                              ///< files included
  std::set<std::uint16_t> ports = {};  ///< TCP ports at which its members are asked
  /// Where the addresses are found that do not stand in the file; empty: all of them do. Until somebody
  /// looks, the plan knows the fixed ones.
  std::vector<AddressSources> sources = {};
  std::uint64_t members_fingerprint = 0;  ///< equal when the addresses that were found are the same
  /// What the target is when these addresses were found. Reads secrets again: not on the loop.
  std::function<FoundPlan(const Found&)> read_with = {};
};

struct Config {
  std::string file;  ///< empty: no file was given
  Nanoseconds default_interval = std::chrono::seconds(5);
  Nanoseconds default_timeout = std::chrono::seconds(2);
  std::vector<TargetConfig> targets;
  AlertingOptions alerting;
  ReflectorOptions reflector;
  RulesOptions rules;
  JournalOptions journal;
  PlacementOptions placement;
};

struct Loaded {
  Config config;
  std::vector<Problem> problems;  ///< config is usable only when this is empty
};

/// Reads and checks a whole file; every problem at once, in order of line.
Loaded load_file(const std::string& file, std::span<const Kind> kinds);
/// The same for text that is already there; `file` names it in problems and is what relative paths refer to.
Loaded load_text(std::string_view text, const std::string& file, std::span<const Kind> kinds);

/// The configuration reference as Markdown: every key with its type, default and sentence.
std::string print_reference(std::span<const Kind> kinds);

}  // namespace qw::config
