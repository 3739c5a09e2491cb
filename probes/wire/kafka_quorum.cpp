#include "probes/wire/kafka_quorum.hpp"

namespace qw::wire::kafka {
namespace {

constexpr std::string_view kMetadataLog = "__cluster_metadata";
// Its id is the same in every cluster.
constexpr Uuid kMetadataLogId{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};

std::vector<DescribeQuorumReply::Replica> read_replicas(Reader& in, std::int16_t version) {
  std::vector<DescribeQuorumReply::Replica> replicas;
  for (std::size_t count = in.array(13); count > 0 && in.ok(); --count) {
    DescribeQuorumReply::Replica& replica = replicas.emplace_back();
    replica.id = in.int32();
    if (version >= 2) in.uuid();  // of its disk
    replica.log_end = in.int64();
    if (version >= 1) {
      replica.last_fetch_ms = in.int64();
      replica.last_caught_up_ms = in.int64();
    }
    in.skip_tags();
  }
  return replicas;
}

void read_partition(Reader& in, std::int16_t version, DescribeQuorumReply& reply) {
  in.int32();  // number 0, as there is no other
  const auto error = static_cast<ErrorCode>(in.int16());
  if (reply.error == ErrorCode::none) reply.error = error;
  if (version >= 2) in.skip_text();  // the error in words
  reply.leader = in.int32();
  reply.leader_epoch = in.int32();
  reply.high_watermark = in.int64();
  reply.voters = read_replicas(in, version);
  reply.observers = read_replicas(in, version);
  in.skip_tags();
}

void skip_nodes(Reader& in) {
  for (std::size_t nodes = in.array(6); nodes > 0 && in.ok(); --nodes) {
    in.int32();
    for (std::size_t listeners = in.array(5); listeners > 0 && in.ok(); --listeners) {
      in.skip_text();
      in.skip_text();
      in.uint16();
      in.skip_tags();
    }
    in.skip_tags();
  }
}

/// Tag 1 of a partition in a reply to Fetch.
void read_leader(Reader& in, std::string_view content, QuorumView& view) {
  Reader leader(content, true);
  const std::int32_t id = leader.int32();
  const std::int32_t epoch = leader.int32();
  leader.skip_tags();
  if (!leader.ok()) return in.refuse("a leader that is cut off");
  if (id >= 0) view.leader = id;
  if (epoch >= 0) view.epoch = epoch;
}

void read_view(Reader& in, QuorumView& view) {
  in.int32();  // partition
  view.error = static_cast<ErrorCode>(in.int16());
  for (int i = 0; i < 3; ++i) in.int64();  // high watermark, last stable offset, start
  for (std::size_t count = in.array(17); count > 0 && in.ok(); --count) {
    in.int64();  // an aborted transaction's producer
    in.int64();  // and its first offset
    in.skip_tags();
  }
  in.int32();  // a nearer replica
  in.bytes();  // records: none were asked for
  in.tags([&in, &view](std::uint32_t tag, std::string_view content) {
    if (tag == 1) read_leader(in, content, view);
  });
}

}  // namespace

void DescribeQuorumRequest::write(Writer& out, std::int16_t /*version*/) const {
  out.array(1);
  out.text(kMetadataLog);
  out.array(1);
  out.int32(0);
  out.no_tags();
  out.no_tags();
  out.no_tags();
}

Result<DescribeQuorumReply> DescribeQuorumReply::read(std::string_view body, std::int16_t version) {
  Reader in(body, is_flexible(Api::describe_quorum, version));
  DescribeQuorumReply reply;
  reply.error = static_cast<ErrorCode>(in.int16());
  if (version >= 2) in.skip_text();  // the error in words
  std::size_t partitions = 0;
  for (std::size_t topics = in.array(3); topics > 0 && in.ok(); --topics) {
    in.text();
    for (std::size_t count = in.array(25); count > 0 && in.ok(); --count, ++partitions) {
      read_partition(in, version, reply);
    }
    in.skip_tags();
  }
  if (version >= 2) skip_nodes(in);
  in.skip_tags();
  if (partitions > 1 || (partitions == 0 && reply.error == ErrorCode::none)) {
    in.refuse("it is not about one partition");
  }
  const auto end = in.end(print(Api::describe_quorum, version));
  if (!end) return std::unexpected(end.error());
  // One that does not lead fills the rest with zeros, which would read as broker 0 in epoch 0.
  if (reply.error != ErrorCode::none) {
    DescribeQuorumReply refusal;
    refusal.error = reply.error;
    return refusal;
  }
  return reply;
}

void QuorumViewRequest::write(Writer& out, std::int16_t /*version*/) const {
  out.int32(-1);  // we are no replica
  out.int32(0);   // longest wait
  out.int32(0);   // least bytes
  out.int32(0);   // most bytes
  out.int8(0);    // isolation
  out.int32(0);   // no session
  out.int32(-1);  // and none to be made
  out.array(1);
  out.uuid(kMetadataLogId);
  out.array(1);
  out.int32(0);  // partition
  out.int32(kOldEpoch);
  out.int64(0);   // from where
  out.int32(0);   // epoch of what was fetched last
  out.int64(-1);  // a follower's start
  out.int32(0);   // most bytes
  out.no_tags();
  out.no_tags();
  out.array(0);  // nothing to forget
  out.text("");  // rack
  out.no_tags();
}

Result<QuorumView> QuorumView::read(std::string_view body, std::int16_t version) {
  Reader in(body, is_flexible(Api::fetch, version));
  QuorumView view;
  in.int32();  // throttle time
  const auto error = static_cast<ErrorCode>(in.int16());
  in.int32();  // session
  std::size_t partitions = 0;
  for (std::size_t topics = in.array(18); topics > 0 && in.ok(); --topics) {
    in.uuid();
    for (std::size_t count = in.array(37); count > 0 && in.ok(); --count, ++partitions) read_view(in, view);
    in.skip_tags();
  }
  in.skip_tags();
  if (error != ErrorCode::none) view = {.error = error, .leader = {}, .epoch = {}};
  if (partitions > 1 || (partitions == 0 && error == ErrorCode::none)) {
    in.refuse("it is not about one partition");
  }
  const auto end = in.end(print(Api::fetch, version));
  if (!end) return std::unexpected(end.error());
  return view;
}

}  // namespace qw::wire::kafka
