#include "tests/unit/status/markup.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

namespace qw::status {
namespace {

constexpr std::array kLone = {"meta", "link", "br"};

class Reader {
 public:
  explicit Reader(std::string_view html) : rest_(html) {}
  Markup read();

 private:
  void read_tag();
  void read_attributes(std::string_view inside);
  void read_text(std::string_view text);
  void complain(std::string what) { out_.problems.push_back(std::move(what)); }

  std::string_view rest_;
  Markup out_;
  std::vector<std::string> open_;
  std::set<std::string> ids_;
};

Markup Reader::read() {
  while (!rest_.empty()) {
    if (rest_.front() == '<') {
      read_tag();
      continue;
    }
    const auto end = std::min(rest_.find('<'), rest_.size());
    read_text(rest_.substr(0, end));
    rest_.remove_prefix(end);
  }
  for (const auto& tag : open_) complain("not closed: " + tag);
  return std::move(out_);
}

void Reader::read_tag() {
  const auto end = rest_.find('>');
  if (end == std::string_view::npos) {
    complain("a tag without end");
    rest_ = {};
    return;
  }
  auto inside = rest_.substr(1, end - 1);
  rest_.remove_prefix(end + 1);
  if (inside == "!DOCTYPE html") return;
  if (inside.starts_with('/')) {
    const std::string tag(inside.substr(1));
    if (open_.empty() || open_.back() != tag) return complain("closed, but not open: " + tag);
    open_.pop_back();
    return;
  }
  const auto name_end = std::min(inside.find(' '), inside.size());
  const std::string tag(inside.substr(0, name_end));
  if (!std::ranges::all_of(tag, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }) ||
      tag.empty()) {
    complain("no tag: " + tag);
  }
  out_.tags.push_back(tag);
  if (std::ranges::find(kLone, tag) == kLone.end()) open_.push_back(tag);
  read_attributes(inside.substr(name_end));
}

void Reader::read_attributes(std::string_view inside) {
  while (!inside.empty()) {
    if (inside.front() != ' ') return complain("no blank before an attribute: " + std::string(inside));
    inside.remove_prefix(1);
    const auto name_end = inside.find_first_of(" =");
    if (name_end == std::string_view::npos || inside[name_end] == ' ') {
      inside.remove_prefix(std::min(name_end, inside.size()));
      continue;
    }
    const auto close = inside.find('"', name_end + 2);
    if (inside.substr(name_end + 1, 1) != "\"" || close == std::string_view::npos) {
      return complain("an attribute without quotes: " + std::string(inside));
    }
    out_.attributes.emplace_back(inside.substr(0, close + 1));
    if (inside.starts_with("id=") && !ids_.insert(out_.attributes.back()).second) {
      complain("twice: " + out_.attributes.back());
    }
    inside.remove_prefix(close + 1);
  }
}

void Reader::read_text(std::string_view text) {
  static constexpr std::pair<std::string_view, char> kEntities[] = {
      {"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&#39;", '\''}};
  while (!text.empty()) {
    const auto entity =
        std::ranges::find_if(kEntities, [&](const auto& one) { return text.starts_with(one.first); });
    if (entity != std::end(kEntities)) {
      out_.text += entity->second;
      text.remove_prefix(entity->first.size());
      continue;
    }
    if (text.front() == '&' || text.front() == '>')
      complain("not escaped: " + std::string(text.substr(0, 20)));
    out_.text += text.front();
    text.remove_prefix(1);
  }
}

}  // namespace

bool Markup::has_tag(std::string_view tag) const {
  return std::ranges::find(tags, tag) != tags.end();
}

Markup read_markup(std::string_view html) {
  return Reader(html).read();
}

}  // namespace qw::status
