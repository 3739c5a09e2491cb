#include "daemon/members/sd_file.hpp"

#include <fmt/format.h>

#include <optional>
#include <set>

#include "config/document.hpp"
#include "daemon/base/text.hpp"

namespace qw::members {
namespace {

using config::join_path;
using config::Node;
using config::quote;

constexpr std::size_t kLongestAddress = 1024;

/// JSON is YAML but for two things: a tab is white space anywhere outside of texts, and two escapes may stand
/// for one character.
class JsonToYaml {
 public:
  explicit JsonToYaml(std::string_view text) : text_(text) {}

  std::string convert() {
    out_.reserve(text_.size());
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '\\' && quoted_) {
        escape();
        continue;
      }
      if (c == '"') quoted_ = !quoted_;
      out_ += c == '\t' && !quoted_ ? ' ' : c;
      ++at_;
    }
    return std::move(out_);
  }

 private:
  void escape() {
    const auto high = unit(at_);
    const auto low = unit(at_ + kEscape);
    if (high && low && *high >= 0xD800 && *high < 0xDC00 && *low >= 0xDC00 && *low < 0xE000) {
      append(0x10000 + ((*high - 0xD800) << 10U) + (*low - 0xDC00));
      at_ += 2 * kEscape;
      return;
    }
    out_ += text_.substr(at_, 2);
    at_ += 2;
  }

  /// The sixteen bits of "\uXXXX".
  std::optional<std::uint32_t> unit(std::size_t at) const {
    if (at + kEscape > text_.size() || text_.substr(at, 2) != "\\u") return std::nullopt;
    std::uint32_t value = 0;
    for (const char c : text_.substr(at + 2, 4)) {
      const auto digit = c >= '0' && c <= '9'   ? c - '0'
                         : c >= 'a' && c <= 'f' ? c - 'a' + 10
                         : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                : -1;
      if (digit < 0) return std::nullopt;
      value = value * 16 + static_cast<std::uint32_t>(digit);
    }
    return value;
  }

  void append(std::uint32_t point) {
    out_ += static_cast<char>(0xF0U | (point >> 18U));
    out_ += static_cast<char>(0x80U | ((point >> 12U) & 0x3FU));
    out_ += static_cast<char>(0x80U | ((point >> 6U) & 0x3FU));
    out_ += static_cast<char>(0x80U | (point & 0x3FU));
  }

  static constexpr std::size_t kEscape = 6;
  std::string_view text_;
  std::string out_;
  std::size_t at_ = 0;
  bool quoted_ = false;
};

class SdReader {
 public:
  SdReader(config::Problems& problems, bool json) : problems_(problems), json_(json) {}

  std::vector<SdAddress> read(const Node* root) {
    if (root == nullptr) {
      // An empty YAML file is an empty list in Prometheus, an empty JSON file is not JSON.
      if (json_) problems_.add({}, "", "nothing in the file; nobody at all is []");
      return {};
    }
    if (root->kind != Node::Kind::list) {
      problems_.add(root->place, "", "expected a list of mappings, each with 'targets' and 'labels'");
      return {};
    }
    for (std::size_t i = 0; i < root->items.size(); ++i) read_group(*root->items[i], join_path("", i));
    if (found_.size() > kMaxAddresses)
      problems_.add({}, "", fmt::format("has more than {} addresses", kMaxAddresses));
    return std::move(found_);
  }

 private:
  void read_group(const Node& group, const std::string& path) {
    if (group.kind != Node::Kind::mapping)
      return problems_.add(group.place, path, "expected a mapping with 'targets' and 'labels'");
    std::set<std::string_view> seen;
    for (const auto& entry : group.entries) {
      if (!seen.insert(entry.key).second) {
        problems_.add(entry.place, path, fmt::format("duplicate key {}", quote(entry.key)));
      } else if (entry.key == "targets") {
        read_targets(*entry.value, join_path(path, entry.key));
      } else if (entry.key == "labels") {
        check_labels(*entry.value, join_path(path, entry.key));
      } else {
        problems_.add(entry.place, path,
                      fmt::format("unknown key {}; known here: targets, labels", quote(entry.key)));
      }
    }
  }

  void read_targets(const Node& list, const std::string& path) {
    if (list.kind == Node::Kind::nothing) return;
    if (list.kind != Node::Kind::list) return problems_.add(list.place, path, "expected a list of addresses");
    for (std::size_t i = 0; i < list.items.size() && found_.size() <= kMaxAddresses; ++i) {
      const auto& item = *list.items[i];
      if (!is_text(item) || item.text.empty() || item.text.size() > kLongestAddress) {
        problems_.add(item.place, join_path(path, i), "expected an address");
      } else {
        found_.push_back({.text = item.text, .place = item.place, .path = join_path(path, i)});
      }
    }
  }

  void check_labels(const Node& labels, const std::string& path) {
    if (labels.kind == Node::Kind::nothing) return;
    if (labels.kind != Node::Kind::mapping)
      return problems_.add(labels.place, path, "expected a mapping of texts");
    for (const auto& entry : labels.entries) {
      const bool good = is_text(*entry.value) || entry.value->kind == Node::Kind::nothing;
      if (!good) problems_.add(entry.value->place, join_path(path, entry.key), "expected a text");
    }
  }

  /// In JSON a number is no text.
  bool is_text(const Node& node) const { return node.kind == Node::Kind::scalar && (node.quoted || !json_); }

  config::Problems& problems_;
  bool json_;
  std::vector<SdAddress> found_;
};

}  // namespace

SdFile read_sd_file(std::string_view text, const std::string& file) {
  config::Problems problems(file);
  SdFile out;
  if (text.size() > kMaxFileBytes) {
    problems.add({}, "", fmt::format("larger than {} KiB", kMaxFileBytes >> 10U));
    return {.addresses = {}, .problems = problems.take()};
  }
  const bool json = file.ends_with(".json");
  config::Document document;
  const bool read = json ? config::parse_document(JsonToYaml(text).convert(), document, problems)
                         : config::parse_document(text, document, problems);
  if (read) out.addresses = SdReader(problems, json).read(document.root());
  out.problems = problems.take();
  if (!out.problems.empty()) out.addresses.clear();
  return out;
}

}  // namespace qw::members
