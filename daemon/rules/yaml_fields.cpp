#include "daemon/rules/yaml_fields.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "daemon/base/text.hpp"
#include "daemon/promql/parser.hpp"

namespace qw::rules {
namespace {

using config::Node;

std::string expected(std::string_view what, const Node& got) {
  switch (got.kind) {
    case Node::Kind::nothing:
      return fmt::format("expected {}, got nothing", what);
    case Node::Kind::scalar:
      return fmt::format("expected {}, got {}", what, config::quote(got.text));
    case Node::Kind::list:
      return fmt::format("expected {}, got a list", what);
    case Node::Kind::mapping:
      return fmt::format("expected {}, got a mapping", what);
  }
  return fmt::format("expected {}", what);
}

std::string_view line_of(std::string_view text, std::size_t number) {
  for (std::size_t line = 1; line < number; ++line) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  return text.substr(0, text.find('\n'));
}

}  // namespace

config::Place YamlReading::locate(const Node& scalar, std::size_t offset) const {
  const std::string_view value = scalar.text;
  offset = std::min(offset, value.size());
  const auto before = value.substr(0, offset);
  const auto breaks = static_cast<std::size_t>(std::ranges::count(before, '\n'));
  const auto line_begin = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
  const auto value_line = value.substr(line_begin, value.find('\n', line_begin) - line_begin);
  const auto first = line_of(text, scalar.place.line);
  if (scalar.place.column == 0 || scalar.place.column > first.size()) return scalar.place;
  const auto here = first.substr(scalar.place.column - 1);
  const bool block = here.starts_with('|') || here.starts_with('>');
  if (block) {
    const auto line = line_of(text, scalar.place.line + 1 + breaks);
    const auto found = line.find(value_line);
    if (value_line.empty() || found == std::string_view::npos) return scalar.place;
    return {scalar.place.line + 1 + breaks, found + offset - line_begin + 1};
  }
  const std::size_t quote = scalar.quoted ? 1 : 0;
  if (breaks == 0 && here.substr(std::min(quote, here.size())).starts_with(before)) {
    return {scalar.place.line, scalar.place.column + quote + offset};
  }
  return scalar.place;
}

void YamlReading::add(const Node& scalar, std::size_t offset, std::string_view path, std::string_view what) {
  constexpr std::size_t kLongest = 500;
  problems.add(locate(scalar, offset), path, sanitize(what, kLongest));
}

YamlFields::YamlFields(YamlReading& reading, const Node* node, std::string path)
    : reading_(reading), node_(node), place_(node ? node->place : config::Place{}), path_(std::move(path)) {
  if (!node_) return;
  if (node_->kind != Node::Kind::mapping) {
    reading_.problems.add(node_->place, path_, expected("a mapping", *node_));
    node_ = nullptr;
    return;
  }
  std::unordered_map<std::string_view, std::size_t> seen;
  for (const auto& entry : node_->entries) {
    const auto [first, is_new] = seen.emplace(entry.key, entry.place.line);
    if (is_new) continue;
    reading_.problems.add(entry.place, path_,
                          fmt::format("duplicate key {}; the first one is in line {}",
                                      config::quote(entry.key), first->second));
  }
}

const config::Entry* YamlFields::find(std::string_view key) const {
  if (!node_) return nullptr;
  const auto found = std::ranges::find(node_->entries, key, &config::Entry::key);
  return found == node_->entries.end() ? nullptr : &*found;
}

bool YamlFields::has(std::string_view key) const {
  return find(key) != nullptr;
}

config::Place YamlFields::place_of(std::string_view key) const {
  const auto* entry = find(key);
  return entry ? entry->value->place : place_;
}

std::string YamlFields::path_of(std::string_view key) const {
  return config::join_path(path_, key);
}

const Node* YamlFields::node(std::string_view key) {
  known_.emplace_back(key);
  const auto* entry = find(key);
  return !entry || entry->value->kind == Node::Kind::nothing ? nullptr : entry->value;
}

const Node* YamlFields::scalar(std::string_view key, std::string_view wanted) {
  const auto* found = node(key);
  if (!found || found->kind == Node::Kind::scalar) return found;
  reading_.problems.add(found->place, path_of(key), expected(wanted, *found));
  return nullptr;
}

std::optional<std::string> YamlFields::text(std::string_view key) {
  const auto* found = scalar(key, "a text");
  return found ? std::optional(found->text) : std::nullopt;
}

std::optional<promql::Millis> YamlFields::duration(std::string_view key) {
  const auto* found = scalar(key, "a duration");
  if (!found) return std::nullopt;
  const auto read = promql::parse_duration(found->text);
  if (read) return *read;
  reading_.problems.add(
      found->place, path_of(key),
      fmt::format("expected a duration such as 30s, 5m or 1h30m, got {}", config::quote(found->text)));
  return std::nullopt;
}

std::optional<std::int64_t> YamlFields::integer(std::string_view key) {
  const auto* found = scalar(key, "a number");
  if (!found) return std::nullopt;
  const auto read = parse_int64(found->text);
  if (!read) reading_.problems.add(found->place, path_of(key), expected("a whole number", *found));
  return read;
}

std::optional<bool> YamlFields::boolean(std::string_view key) {
  const auto* found = scalar(key, "true or false");
  if (!found) return std::nullopt;
  if (found->text == "true" || found->text == "false") return found->text == "true";
  reading_.problems.add(found->place, path_of(key), expected("true or false", *found));
  return std::nullopt;
}

std::vector<YamlFields::Element> YamlFields::list(std::string_view key) {
  std::vector<Element> out;
  const auto* found = node(key);
  if (!found) return out;
  const auto path = path_of(key);
  if (found->kind != Node::Kind::list) reading_.problems.add(found->place, path, expected("a list", *found));
  for (std::size_t i = 0; i < found->items.size(); ++i) {
    out.push_back({found->items[i], config::join_path(path, i)});
  }
  return out;
}

std::vector<YamlFields::Pair> YamlFields::pairs(std::string_view key) {
  std::vector<Pair> out;
  const auto* found = node(key);
  if (!found) return out;
  YamlFields inner(reading_, found, path_of(key));
  if (!inner.usable()) return out;
  for (const auto& entry : found->entries) {
    const auto path = inner.path_of(entry.key);
    const bool good = entry.value->kind == Node::Kind::scalar || entry.value->kind == Node::Kind::nothing;
    if (!good) {
      reading_.problems.add(entry.value->place, path, expected("a text", *entry.value));
      continue;
    }
    out.push_back({entry.key, entry.value->text, entry.place, entry.value, path});
  }
  return out;
}

void YamlFields::problem(std::string_view key, std::string_view text) {
  constexpr std::size_t kLongest = 500;
  reading_.problems.add(place_of(key), has(key) ? path_of(key) : path_, sanitize(text, kLongest));
}

void YamlFields::finish() {
  if (!node_) return;
  const std::vector<std::string_view> known(known_.begin(), known_.end());
  for (const auto& entry : node_->entries) {
    if (std::ranges::find(known_, entry.key) != known_.end()) continue;
    const auto meant = nearest(entry.key, known);
    reading_.problems.add(
        entry.place, path_,
        meant ? fmt::format("unknown key {}; did you mean '{}'?", config::quote(entry.key), *meant)
              : fmt::format("unknown key {}; known here: {}", config::quote(entry.key),
                            fmt::join(known, ", ")));
  }
}

}  // namespace qw::rules
