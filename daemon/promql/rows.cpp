#include "daemon/promql/rows.hpp"

#include <algorithm>
#include <ranges>
#include <utility>

namespace qw::promql {
namespace {

/// Labels in later places can not be hidden; rows with so many labels are copied instead.
constexpr std::size_t kMaxHidden = 64;

const Labels::Pair& pair(const SeriesLabels& labels, std::size_t place) {
  return *(labels.labels.begin() + static_cast<std::ptrdiff_t>(place));
}

std::size_t lower_bound(const SeriesLabels& labels, std::string_view name) {
  const auto found = std::ranges::lower_bound(labels.labels, name, {}, &Labels::Pair::first);
  return static_cast<std::size_t>(found - labels.labels.begin());
}

}  // namespace

LabelNames::LabelNames(std::vector<std::string> names) : names_(std::move(names)) {
  std::ranges::sort(names_);
  names_.erase(std::ranges::unique(names_).begin(), names_.end());
  for (const auto& name : names_) hashes_.push_back(hash_name(name));
  last_.assign(names_.size(), 0);
}

std::size_t LabelNames::place(std::size_t i, const SeriesLabels& labels) {
  const auto hash = hashes_[i];
  auto& last = last_[i];
  if (last < labels.hashes.size() && labels.hashes[last].name == hash) return last;
  for (std::size_t place = 0; place < labels.hashes.size(); ++place) {
    if (labels.hashes[place].name == hash) return last = place;
  }
  return SeriesLabels::kNone;
}

bool is_there(const Row& row, std::size_t place) {
  return place >= kMaxHidden || (row.hidden >> place & 1) == 0;
}

std::string_view get(const Row& row, std::string_view name) {
  const auto place = lower_bound(*row.base, name);
  if (place >= row.base->labels.size() || pair(*row.base, place).first != name || !is_there(row, place)) {
    return {};
  }
  return pair(*row.base, place).second;
}

std::string_view name_of(const Row& row) {
  const auto place = row.base->name_index;
  return place == SeriesLabels::kNone || !is_there(row, place) ? std::string_view()
                                                               : pair(*row.base, place).second;
}

Labels labels_of(const Row& row) {
  if (row.hidden == 0) return row.base->labels;
  std::vector<Labels::Pair> kept;
  for (std::size_t i = 0; i < row.base->labels.size(); ++i) {
    if (is_there(row, i)) kept.push_back(pair(*row.base, i));
  }
  return Labels(std::move(kept));
}

Row RowSpace::make(Labels labels) {
  return of(made_.emplace_back(std::move(labels)));
}

Row RowSpace::hide(Row row, std::size_t place) {
  if (!is_there(row, place)) return row;
  if (place >= kMaxHidden) return set(row, pair(*row.base, place).first, "");
  row.hidden |= std::uint64_t{1} << place;
  row.hash -= row.base->hashes[place].pair;
  return row;
}

Row RowSpace::without_name(Row row) {
  return row.base->name_index == SeriesLabels::kNone ? row : hide(row, row.base->name_index);
}

Row RowSpace::keep(Row row, LabelNames& names) {
  if (row.base->labels.size() > kMaxHidden) {
    std::vector<Labels::Pair> kept;
    for (std::size_t i = 0; i < names.names().size(); ++i) {
      const auto place = names.place(i, *row.base);
      if (place != SeriesLabels::kNone && is_there(row, place)) kept.push_back(pair(*row.base, place));
    }
    return make(Labels(std::move(kept)));
  }
  std::uint64_t kept = 0;
  for (std::size_t i = 0; i < names.names().size(); ++i) {
    const auto place = names.place(i, *row.base);
    if (place != SeriesLabels::kNone) kept |= std::uint64_t{1} << place;
  }
  for (std::size_t i = 0; i < row.base->labels.size(); ++i) {
    if ((kept >> i & 1) == 0) row = hide(row, i);
  }
  return row;
}

Row RowSpace::drop(Row row, LabelNames& names) {
  // From the last place to the first: a row that has to be copied changes places behind the one that goes.
  for (const auto i : std::views::iota(std::size_t{0}, names.names().size()) | std::views::reverse) {
    const auto place = names.place(i, *row.base);
    if (place != SeriesLabels::kNone) row = hide(row, place);
  }
  return row;
}

Row RowSpace::set(const Row& row, std::string_view name, std::string_view value) {
  Labels labels = labels_of(row);
  labels.set(name, value);
  Row made = make(std::move(labels));
  made.drop_name = row.drop_name;
  return made;
}

std::uint64_t RowSpace::hash_of_kept(const Row& row, LabelNames& names) {
  std::uint64_t hash = 0;
  for (std::size_t i = 0; i < names.names().size(); ++i) {
    const auto place = names.place(i, *row.base);
    if (place != SeriesLabels::kNone && is_there(row, place)) hash += row.base->hashes[place].pair;
  }
  return hash;
}

std::uint64_t RowSpace::hash_of_rest(const Row& row, LabelNames& names) {
  return row.hash - hash_of_kept(row, names);
}

}  // namespace qw::promql
