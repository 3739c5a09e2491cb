#include "config/reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "config/files.hpp"
#include "config/values.hpp"
#include "daemon/base/text.hpp"

namespace qw::config {
namespace {

// YAML 1.1 had it; whether it means anything depends on the reader, so it is refused wherever it stands.
constexpr std::string_view kMergeKey = "<<";

}  // namespace

Reader::Reader(Reading& reading, const Node* node, std::string path)
    : reading_(reading), node_(node), path_(std::move(path)) {
  if (node_ == nullptr) return;
  if (node_->kind != Node::Kind::mapping) {
    reading_.problems.add(node_->place, path_, expected("a mapping", *node_));
    node_ = nullptr;
    return;
  }
  refuse_ambiguities();
}

void Reader::required(std::string_view key, FieldRef value, std::string_view) {
  if (!read(key, value)) missing(key);
}

void Reader::optional(std::string_view key, FieldRef value, std::string_view) {
  read(key, value);
}

bool Reader::object(std::string_view key, std::string_view, const std::function<void(Fields&)>& fields) {
  const auto before = reading_.problems.count();
  const Node* inner = value(key);
  Reader reader(reading_, inner, join_path(path_, key));
  fields(reader);
  reader.finish();
  if (reading_.problems.count() != before) troubled_.emplace(key);
  return inner != nullptr;
}

void Reader::list(std::string_view key, std::string_view, const std::function<void(Fields&)>& fields) {
  const auto before = reading_.problems.count();
  const Node* list = value(key);
  if (list == nullptr) return;
  const std::string path = join_path(path_, key);
  if (list->kind != Node::Kind::list) reading_.problems.add(list->place, path, expected("a list", *list));
  for (std::size_t i = 0; i < list->items.size(); ++i) {
    Reader element(reading_, list->items[i], join_path(path, i));
    fields(element);
    element.finish();
  }
  if (reading_.problems.count() != before) troubled_.emplace(key);
}

bool Reader::addresses(std::string_view key, std::vector<std::string>* texts, const AddressRule& rule,
                       std::string_view doc) {
  const Entry* entry = find(key);
  if (entry == nullptr || entry->value->kind != Node::Kind::mapping)
    return Fields::addresses(key, texts, rule, doc);
  const auto before = reading_.problems.count();
  auto sources = read_sources(key, rule);
  if (reading_.problems.count() != before) troubled_.emplace(key);
  *texts = sources.addresses;
  if (reading_.found != nullptr) {
    const auto found = reading_.found->find(sources.key);
    *texts = found != reading_.found->end() ? found->second : std::vector<std::string>();
  }
  reading_.sources.push_back(std::move(sources));
  return true;
}

AddressSources Reader::read_sources(std::string_view key, const AddressRule& rule) {
  AddressSources sources;
  sources.key = key;
  sources.rule = rule;
  object(key, "", [&](Fields& inner) { source_fields(inner, sources); });
  check(key, !sources.files.empty() || !sources.dns.empty(),
        "says neither 'files' nor 'dns'; where nothing is to be found, a list of addresses will do");
  for (auto& file : sources.files) file = resolve_path(file, reading_.file);
  return sources;
}

void Reader::check(std::string_view key, bool holds, std::string_view message) {
  if (holds || node_ == nullptr || troubled_.contains(key)) return;
  const Entry* entry = find(key);
  reading_.problems.add(entry != nullptr ? entry->value->place : node_->place, join_path(path_, key),
                        message);
  troubled_.emplace(key);
}

const Node* Reader::value(std::string_view key) {
  declared_.emplace_back(key);
  const Entry* entry = find(key);
  return entry != nullptr ? entry->value : nullptr;
}

void Reader::missing(std::string_view key) {
  if (node_ == nullptr) return;
  reading_.problems.add(node_->place, path_, fmt::format("missing key '{}'", key));
  troubled_.emplace(key);
}

void Reader::finish() {
  if (node_ == nullptr) return;
  for (const Entry& entry : node_->entries) {
    if (reading_.problems.full()) return;
    if (entry.key == kMergeKey || std::ranges::find(declared_, entry.key) != declared_.end()) continue;
    reading_.problems.add(entry.place, path_, unknown_text(entry.key));
  }
}

const Entry* Reader::find(std::string_view key) const {
  if (node_ == nullptr) return nullptr;
  const auto found = std::ranges::find(node_->entries, key, &Entry::key);
  return found != node_->entries.end() ? &*found : nullptr;
}

bool Reader::read(std::string_view key, const FieldRef& field) {
  const Node* node = value(key);
  if (node == nullptr) return false;
  const auto before = reading_.problems.count();
  read_value(reading_, *node, join_path(path_, key), field);
  if (reading_.problems.count() != before) troubled_.emplace(key);
  return true;
}

void Reader::refuse_ambiguities() {
  std::unordered_map<std::string_view, const Entry*> seen;
  for (const Entry& entry : node_->entries) {
    if (entry.key == kMergeKey)
      reading_.problems.add(entry.place, path_, "merge keys ('<<') are not supported");
    const auto [first, is_new] = seen.emplace(entry.key, &entry);
    if (is_new) continue;
    reading_.problems.add(entry.place, path_,
                          fmt::format("duplicate key {}; the first one is in line {}", quote(entry.key),
                                      first->second->place.line));
  }
}

std::string Reader::unknown_text(std::string_view key) const {
  const std::vector<std::string_view> known(declared_.begin(), declared_.end());
  if (const auto meant = nearest(key, known))
    return fmt::format("unknown key {}; did you mean '{}'?", quote(key), *meant);
  return fmt::format("unknown key {}; known here: {}", quote(key), fmt::join(known, ", "));
}

void mix(std::uint64_t& hash, std::uint64_t more) {
  hash = stable_hash(fmt::format("{:016x}{:016x}", hash, more));
}

std::uint64_t hash_node(const Node& node) {
  std::uint64_t hash = stable_hash(node.text);
  mix(hash, static_cast<std::uint64_t>(node.kind) * 2 + (node.quoted ? 1 : 0));
  for (const Node* item : node.items) mix(hash, hash_node(*item));
  for (const Entry& entry : node.entries) {
    mix(hash, stable_hash(entry.key));
    mix(hash, hash_node(*entry.value));
  }
  return hash;
}

}  // namespace qw::config
