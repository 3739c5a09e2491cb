#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "daemon/base/time.hpp"
#include "daemon/promql/evaluator.hpp"
#include "daemon/promql/source.hpp"
#include "daemon/store/store.hpp"

namespace qw::promql {

/// What is remembered of a store from one evaluation to the next: which series a selector finds and their
/// labels as PromQL wants them, so that evaluating the same rules again neither matches nor copies a label.
/// Lives on the loop, as the store does, which it must not outlive.
class StoreIndex {
 public:
  /// `added`: labels that every series has besides its own, as a scrape would add them (job, instance); they
  /// replace a series' own of that name.
  explicit StoreIndex(const store::Store& store, Labels added = {});
  ~StoreIndex();
  StoreIndex(const StoreIndex&) = delete;
  StoreIndex& operator=(const StoreIndex&) = delete;

  /// Changes the added labels; everything is forgotten.
  void set_added(Labels added);
  std::size_t selectors() const;
  std::size_t labels() const;

  /// At so many selectors all are forgotten, so that no one can grow the daemon.
  static constexpr std::size_t kMaxSelectors = 4096;

 private:
  friend class StoreSource;
  friend class StoreFetch;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// A series' labels as PromQL sees them: with its name, and with the added ones.
Labels with_name(const qw::Series& series, const Labels& added);

/// The store as a source. Points lie on steady time and are shown `offset` later: wall minus steady time, one
/// number for all of them, so that a step of the wall clock moves no point against another. Made anew for
/// each evaluation; costs nothing.
class StoreSource final : public Source {
 public:
  /// `budget`: points that may be taken out; then nothing more is, and exceeded() says so.
  StoreSource(StoreIndex& index, Nanoseconds offset, std::size_t budget = static_cast<std::size_t>(-1))
      : index_(index), offset_(offset), budget_(budget) {}

  std::vector<Series> select(std::span<const store::Matcher> matchers, Millis from, Millis to) const override;
  Selection fetch(std::span<const store::Matcher> matchers, Millis from, Millis to, Need need) const override;
  /// The series that have a point in [from, to]; with_name() gives their labels, which any thread may do.
  std::vector<SeriesPtr> series(std::span<const store::Matcher> matchers, Millis from, Millis to) const;
  bool exceeded() const { return exceeded_; }

 private:
  struct Interval {
    SteadyTime from, to;
  };
  Interval interval(Millis from, Millis to) const;
  Point point(const store::Point& point) const;
  std::vector<Series> without_history(std::span<const store::Matcher> matchers, Interval when) const;
  bool spend(std::size_t points) const;

  StoreIndex& index_;
  Nanoseconds offset_;
  mutable std::size_t budget_;
  mutable bool exceeded_ = false;
};

/// One selection out of the store, taken in pieces, so that whoever takes a large one can let others work in
/// between. It sees what Store::mark() marked last; series that came or went meanwhile make it begin anew.
class StoreFetch {
 public:
  StoreFetch(StoreIndex& index, Nanoseconds offset, Ask ask);

  /// Goes on for a piece of about so many points; true: it is done.
  bool go_on(std::size_t points);
  Source::Selection take() { return std::move(out_); }

 private:
  void begin();

  StoreIndex& index_;
  Nanoseconds offset_;
  Ask ask_;
  std::optional<std::uint64_t> version_;  ///< of the store's tracks; nothing: not begun
  std::size_t next_ = 0;
  std::shared_ptr<std::vector<Source::Series>> out_;
};

}  // namespace qw::promql
