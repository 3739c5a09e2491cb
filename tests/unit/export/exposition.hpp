#pragma once
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/store/store.hpp"

/// A small strict reader of both text formats, and a builder of snapshots, for the tests of this folder.
namespace qw::exporting {

struct ReadFamily {
  std::string type, help, unit;
};
struct ReadSample {
  std::string name;
  std::map<std::string, std::string> labels;
  double value = 0;
};
struct Exposition {
  std::map<std::string, ReadFamily> families;
  std::vector<std::string> order;  // of families
  std::vector<ReadSample> samples;
  std::vector<std::string> problems;
  bool eof = false;

  /// The one value of that name and labels; records a problem when there is none.
  double value(const std::string& name, const std::map<std::string, std::string>& labels);
};

/// Everything that is not exactly as the format says becomes a problem: an unknown escape, a family that
/// comes twice, a sample outside its family, a series that comes twice.
Exposition read_exposition(std::string_view page, bool open_metrics);

/// A target with one round.
class RoundBuilder {
 public:
  RoundBuilder(std::string system, std::string target);
  RoundBuilder& add(const MetricFamily& family, double value,
                    std::initializer_list<Samples::Label> labels = {}, std::string_view suffix = {});
  Round round;
  RoundPtr build();

 private:
  Samples samples_;
};

/// `series` gauges over ten families, as facts/peers.md 4 measured them.
store::Snapshot many_series(std::size_t series);

}  // namespace qw::exporting
