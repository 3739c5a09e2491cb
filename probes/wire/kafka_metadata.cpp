#include "probes/wire/kafka_metadata.hpp"

namespace qw::wire::kafka {
namespace {

using Broker = MetadataReply::Broker;
using Partition = MetadataReply::Partition;
using Topic = MetadataReply::Topic;

Broker read_broker(Reader& in) {
  Broker broker;
  broker.id = in.int32();
  broker.host = in.text();
  broker.port = in.int32();
  broker.rack = in.nullable_text();
  in.skip_tags();
  return broker;
}

/// The number of brokers in a list of them. A partition has a few replicas; more than fit are a broken reply.
std::uint16_t read_count(Reader& in) {
  const std::size_t count = in.array(4);
  if (count > UINT16_MAX) in.refuse("a partition with more than 65535 replicas");
  for (std::size_t i = 0; i < count && in.ok(); ++i) in.int32();
  return static_cast<std::uint16_t>(count);
}

void read_replicas(Reader& in, Partition& partition) {
  const std::size_t count = in.array(4);
  if (count > UINT16_MAX) in.refuse("a partition with more than 65535 replicas");
  for (std::size_t i = 0; i < count && in.ok(); ++i) {
    const std::int32_t replica = in.int32();
    if (i == 0) partition.preferred = replica;
  }
  partition.replicas = static_cast<std::uint16_t>(count);
}

Partition read_partition(Reader& in, std::int16_t version) {
  Partition partition;
  partition.error = static_cast<ErrorCode>(in.int16());
  partition.index = in.int32();
  partition.leader = in.int32();
  if (version >= 7) partition.leader_epoch = in.int32();
  read_replicas(in, partition);
  partition.in_sync = read_count(in);
  if (version >= 5) partition.offline = read_count(in);
  in.skip_tags();
  return partition;
}

Topic read_topic(Reader& in, std::int16_t version, std::vector<Partition>& partitions) {
  Topic topic;
  topic.error = static_cast<ErrorCode>(in.int16());
  topic.name = in.nullable_text().value_or(std::string_view());
  if (version >= 10) topic.id = in.uuid();
  topic.internal = in.boolean();
  topic.partitions.first = static_cast<std::uint32_t>(partitions.size());
  for (std::size_t count = in.array(18); count > 0 && in.ok(); --count) {
    partitions.push_back(read_partition(in, version));
  }
  topic.partitions.count = static_cast<std::uint32_t>(partitions.size()) - topic.partitions.first;
  if (version >= 8) in.int32();  // authorized operations
  in.skip_tags();
  return topic;
}

}  // namespace

void MetadataRequest::write(Writer& out, std::int16_t version) const {
  if (!topics) {
    out.null_array();
  } else {
    out.array(topics->size());
    for (const std::string_view topic : *topics) {
      if (version >= 10) out.uuid(Uuid{});
      out.text(topic);
      out.no_tags();
    }
  }
  out.boolean(false);                                     // make topics that are not there
  if (version >= 8 && version <= 10) out.boolean(false);  // what the user may do to the cluster
  if (version >= 8) out.boolean(false);                   // and to topics
  out.no_tags();
}

Result<MetadataReply> MetadataReply::read(std::string_view body, std::int16_t version,
                                          std::size_t max_elements) {
  Reader in(body, is_flexible(Api::metadata, version), max_elements);
  MetadataReply reply;
  in.int32();  // throttle time
  for (std::size_t count = in.array(10); count > 0 && in.ok(); --count) {
    reply.brokers.push_back(read_broker(in));
  }
  reply.cluster_id = in.nullable_text().value_or(std::string_view());
  reply.controller = in.int32();
  for (std::size_t count = in.array(5); count > 0 && in.ok(); --count) {
    reply.topics.push_back(read_topic(in, version, reply.all_partitions));
  }
  if (version >= 8 && version <= 10) in.int32();  // authorized operations
  in.skip_tags();
  const auto end = in.end(print(Api::metadata, version));
  if (!end) return std::unexpected(end.error());
  return reply;
}

}  // namespace qw::wire::kafka
