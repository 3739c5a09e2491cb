#include "daemon/promql/selection_cache.hpp"

#include <fmt/format.h>

#include <string>
#include <unordered_map>

namespace qw::promql {
namespace {

/// Lengths stand before the texts, so that no two selections have the same key.
std::string key_of(std::span<const store::Matcher> matchers, Millis from, Millis to, Source::Need need) {
  auto key = fmt::format("{} {} {}", from, to, static_cast<int>(need));
  for (const auto& matcher : matchers) {
    fmt::format_to(std::back_inserter(key), " {} {}:{} {}:{}", static_cast<int>(matcher.type),
                   matcher.label.size(), matcher.label, matcher.value.size(), matcher.value);
  }
  return key;
}

}  // namespace

struct SelectionCache::Impl {
  const Source& source;
  std::unordered_map<std::string, Selection> selections;
};

SelectionCache::SelectionCache(const Source& source)
    : impl_(std::make_unique<Impl>(Impl{.source = source, .selections = {}})) {}
SelectionCache::~SelectionCache() = default;

std::vector<Source::Series> SelectionCache::select(std::span<const store::Matcher> matchers, Millis from,
                                                   Millis to) const {
  return *fetch(matchers, from, to, Need::all);
}

Source::Selection SelectionCache::fetch(std::span<const store::Matcher> matchers, Millis from, Millis to,
                                        Need need) const {
  auto& selection = impl_->selections[key_of(matchers, from, to, need)];
  if (!selection) selection = impl_->source.fetch(matchers, from, to, need);
  return selection;
}

}  // namespace qw::promql
