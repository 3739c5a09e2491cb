#include "daemon/promql/gathered.hpp"

#include <fmt/format.h>

#include <unordered_map>

namespace qw::promql {

/// Lengths stand before the texts, so that no two selections have the same key.
std::string key_of(std::span<const store::Matcher> matchers, Millis from, Millis to, Source::Need need) {
  auto key = fmt::format("{} {} {}", from, to, static_cast<int>(need));
  for (const auto& matcher : matchers) {
    fmt::format_to(std::back_inserter(key), " {} {}:{} {}:{}", static_cast<int>(matcher.type),
                   matcher.label.size(), matcher.label, matcher.value.size(), matcher.value);
  }
  return key;
}

struct Gathered::Impl {
  std::unordered_map<std::string, Selection> selections;
  std::unordered_map<std::string, Ask> missing;
  std::size_t points = 0;
};

Gathered::Gathered() : impl_(std::make_unique<Impl>()) {}
Gathered::~Gathered() = default;

void Gathered::add(const Ask& ask, Selection selection) {
  auto& kept = impl_->selections[key_of(ask.matchers, ask.from, ask.to, ask.need)];
  if (kept) return;
  kept = std::move(selection);
  for (const auto& series : *kept) impl_->points += series.points.size();
}

std::vector<Ask> Gathered::take_missing() {
  std::vector<Ask> out;
  for (auto& [key, ask] : impl_->missing) out.push_back(std::move(ask));
  impl_->missing.clear();
  return out;
}

std::size_t Gathered::points() const {
  return impl_->points;
}

std::vector<Source::Series> Gathered::select(std::span<const store::Matcher> matchers, Millis from,
                                             Millis to) const {
  return *fetch(matchers, from, to, Need::all);
}

Source::Selection Gathered::fetch(std::span<const store::Matcher> matchers, Millis from, Millis to,
                                  Need need) const {
  auto key = key_of(matchers, from, to, need);
  if (const auto found = impl_->selections.find(key); found != impl_->selections.end()) return found->second;
  impl_->missing.try_emplace(
      std::move(key),
      Ask{.matchers = {matchers.begin(), matchers.end()}, .from = from, .to = to, .need = need});
  return std::make_shared<const std::vector<Series>>();
}

}  // namespace qw::promql
