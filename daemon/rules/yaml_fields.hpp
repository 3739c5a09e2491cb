#pragma once
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/document.hpp"
#include "daemon/promql/ast.hpp"

namespace qw::rules {

/// What the readers of one YAML text share.
struct YamlReading {
  YamlReading(std::string_view text_, const std::string& file) : text(text_), problems(file) {}
  std::string_view text;
  config::Problems problems;

  /// Where byte `offset` of a scalar's value stands in the text: exactly where the value stands there as it
  /// is, otherwise where the scalar begins.
  config::Place locate(const config::Node& scalar, std::size_t offset) const;
  /// A problem at that byte of the scalar; `text` may quote any part of it.
  void add(const config::Node& scalar, std::size_t offset, std::string_view path, std::string_view text);
};

/// The fields of one mapping of a rule file or of a rule test. A field that is read is known from then on;
/// finish() refuses the others with the nearest name. Everything wrong becomes a problem at its place.
class YamlFields {
 public:
  YamlFields(YamlReading& reading, const config::Node* node, std::string path);

  bool usable() const { return node_ != nullptr; }
  bool has(std::string_view key) const;
  config::Place place() const { return place_; }
  config::Place place_of(std::string_view key) const;
  const std::string& path() const { return path_; }
  std::string path_of(std::string_view key) const;

  /// The node of `key`; null when it is not there or empty.
  const config::Node* node(std::string_view key);
  std::optional<std::string> text(std::string_view key);
  /// "5m"; Prometheus' notation.
  std::optional<promql::Millis> duration(std::string_view key);
  std::optional<std::int64_t> integer(std::string_view key);
  std::optional<bool> boolean(std::string_view key);
  /// The elements of a list, each with its path.
  struct Element {
    const config::Node* node;
    std::string path;
  };
  std::vector<Element> list(std::string_view key);
  /// A mapping of texts, with the node of each value.
  struct Pair {
    std::string name;
    std::string value;
    config::Place place;  ///< of the name
    const config::Node* node;
    std::string path;
  };
  std::vector<Pair> pairs(std::string_view key);

  void problem(std::string_view key, std::string_view text);
  void finish();

 private:
  const config::Entry* find(std::string_view key) const;
  const config::Node* scalar(std::string_view key, std::string_view wanted);

  YamlReading& reading_;
  const config::Node* node_;
  config::Place place_;
  std::string path_;
  std::vector<std::string> known_;
};

}  // namespace qw::rules
