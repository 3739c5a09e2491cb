#include "config/values.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <optional>
#include <system_error>

#include "config/files.hpp"
#include "daemon/base/duration.hpp"
#include "daemon/base/text.hpp"

namespace qw::config {
namespace {

std::string_view kind_of(const Node& node) {
  switch (node.kind) {
    case Node::Kind::nothing:
      return "nothing";
    case Node::Kind::list:
      return "a list";
    case Node::Kind::mapping:
      return "a mapping";
    case Node::Kind::scalar:
      return node.text.empty() ? "an empty text" : "a text";
  }
  return "nothing";
}

// One overload a type of FieldRef. Each leaves the default alone when the text is not what it expects.
class ValueReader {
 public:
  ValueReader(Reading& reading, const Node& node, const std::string& path)
      : reading_(reading), node_(node), path_(path) {}

  void operator()(bool* value) const {
    // YAML 1.1's yes, no, on and off are words like any other here.
    if (plain() && (node_.text == "true" || node_.text == "false")) {
      *value = node_.text == "true";
    } else {
      problem(expected("true or false", node_));
    }
  }

  void operator()(std::uint64_t* value) const {
    // Not 007: YAML 1.1 reads such a number as octal, people do not.
    const bool octal = node_.text.size() > 1 && node_.text.starts_with('0');
    const auto number = plain() && !octal ? parse_uint64(node_.text) : std::nullopt;
    if (number) {
      *value = *number;
    } else {
      problem(expected("a whole number", node_));
    }
  }

  void operator()(double* value) const {
    double number = 0;
    const char* end = node_.text.data() + node_.text.size();
    const auto done = std::from_chars(node_.text.data(), end, number);
    if (plain() && done.ec == std::errc() && done.ptr == end && std::isfinite(number)) {
      *value = number;
    } else {
      problem(expected("a number", node_));
    }
  }

  void operator()(std::string* value) const {
    if (scalar()) {
      *value = node_.text;
    } else {
      problem(expected("a text", node_));
    }
  }

  void operator()(Nanoseconds* value) const {
    if (!scalar()) return problem(expected("a duration such as 250ms, 5s or 1m30s", node_));
    const auto duration = parse_duration(node_.text);
    if (duration) {
      *value = *duration;
    } else {
      problem(duration.error().message());
    }
  }

  void operator()(Path* value) const {
    if (!scalar() || node_.text.empty()) return problem(expected("a file", node_));
    value->value = resolve_path(node_.text, reading_.file);
    const auto hash = hash_file(value->value);
    if (hash) {
      mix(reading_.outside, *hash);
    } else {
      problem(hash.error().message());
    }
  }

  void operator()(SecretFile* value) const {
    if (!scalar() || node_.text.empty()) {
      return problem(fmt::format("expected a file, env:NAME or credential:NAME, got {}", kind_of(node_)));
    }
    value->source = node_.text;
    auto secret = read_secret(node_.text, reading_.file);
    if (!secret) return problem(secret.error().message());
    mix(reading_.outside, stable_hash(secret->reveal()));
    value->value = std::move(*secret);
  }

  void operator()(std::map<std::string, std::string>* value) const {
    if (node_.kind != Node::Kind::mapping) return problem(expected("a mapping of texts", node_));
    value->clear();
    for (const auto& entry : node_.entries) {
      std::string text;
      ValueReader(reading_, *entry.value, join_path(path_, entry.key))(&text);
      if (!value->emplace(entry.key, std::move(text)).second)
        reading_.problems.add(entry.place, path_, fmt::format("duplicate key {}", quote(entry.key)));
    }
  }

  void operator()(const Choice& choice) const {
    if (scalar()) {
      for (const auto allowed : choice.allowed) {
        if (node_.text == allowed) {
          *choice.value = node_.text;
          return;
        }
      }
    }
    problem(expected(fmt::format("one of {}", fmt::join(choice.allowed, ", ")), node_));
  }

  template <class T>
  void operator()(std::optional<T>* value) const {
    // Emplaced even when a problem follows: the key was there.
    ValueReader::operator()(&value->emplace());
  }

  template <class T>
  void operator()(std::vector<T>* value) const {
    if (node_.kind != Node::Kind::list) return problem(expected("a list", node_));
    value->clear();
    for (std::size_t i = 0; i < node_.items.size(); ++i) {
      const std::string path = join_path(path_, i);
      const auto before = reading_.problems.count();
      T item;
      ValueReader(reading_, *node_.items[i], path)(&item);
      if (reading_.problems.count() == before) value->push_back(std::move(item));
    }
  }

 private:
  bool scalar() const { return node_.kind == Node::Kind::scalar; }
  bool plain() const { return scalar() && !node_.quoted; }
  void problem(const std::string& text) const { reading_.problems.add(node_.place, path_, text); }

  Reading& reading_;
  const Node& node_;
  const std::string& path_;
};

}  // namespace

std::string expected(std::string_view what, const Node& got) {
  if (got.kind != Node::Kind::scalar) return fmt::format("expected {}, got {}", what, kind_of(got));
  return fmt::format("expected {}, got {}{}", what, quote(got.text), got.quoted ? " in quotes" : "");
}

void read_value(Reading& reading, const Node& node, const std::string& path, const FieldRef& field) {
  std::visit(ValueReader(reading, node, path), field);
}

}  // namespace qw::config
