#include "probes/wire/kafka_coordinator.hpp"

namespace qw::wire::kafka {
namespace {

constexpr std::int8_t kGroup = 0;  // 1 would be a transaction

using Coordinator = FindCoordinatorReply::Coordinator;

void read_address(Reader& in, Coordinator& coordinator) {
  coordinator.broker = in.int32();
  coordinator.host = in.text();
  coordinator.port = in.int32();
}

}  // namespace

void FindCoordinatorRequest::write(Writer& out, std::int16_t version) const {
  if (version < kFirstBatched) {
    out.text(groups.empty() ? std::string_view() : groups.front());
    out.int8(kGroup);
  } else {
    out.int8(kGroup);
    out.array(groups.size());
    for (const std::string_view group : groups) out.text(group);
  }
  out.no_tags();
}

Result<FindCoordinatorReply> FindCoordinatorReply::read(std::string_view body, std::int16_t version,
                                                        std::size_t max_elements) {
  Reader in(body, is_flexible(Api::find_coordinator, version), max_elements);
  FindCoordinatorReply reply;
  in.int32();  // throttle time
  if (version < FindCoordinatorRequest::kFirstBatched) {
    Coordinator& coordinator = reply.coordinators.emplace_back();
    coordinator.error = static_cast<ErrorCode>(in.int16());
    in.skip_text();  // the error in words
    read_address(in, coordinator);
  } else {
    for (std::size_t count = in.array(14); count > 0 && in.ok(); --count) {
      Coordinator& coordinator = reply.coordinators.emplace_back();
      coordinator.group = in.text();
      read_address(in, coordinator);
      coordinator.error = static_cast<ErrorCode>(in.int16());
      in.skip_text();
      in.skip_tags();
    }
  }
  in.skip_tags();
  const auto end = in.end(print(Api::find_coordinator, version));
  if (!end) return std::unexpected(end.error());
  return reply;
}

}  // namespace qw::wire::kafka
