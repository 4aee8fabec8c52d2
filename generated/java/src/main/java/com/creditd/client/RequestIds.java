package com.creditd.client;

import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.MethodDescriptor;
import java.util.UUID;

/**
 * Gives each mutation a request id where its caller stated none. It stands before gRPC's own retries, which repeat the call with
 * the same id.
 */
public final class RequestIds implements ClientInterceptor {
  @Override
  public <Q, A> ClientCall<Q, A> interceptCall(MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
    return new SimpleForwardingClientCall<>(next.newCall(method, options)) {
      @Override
      public void sendMessage(Q message) {
        super.sendMessage(identified(message));
      }
    };
  }

  @SuppressWarnings("unchecked")
  private static <Q> Q identified(Q request) {
    if (!(request instanceof Message message)) {
      return request;
    }
    FieldDescriptor field = message.getDescriptorForType().findFieldByName("request_id");
    if (field == null || !"".equals(message.getField(field))) {
      return request;
    }
    return (Q) message.toBuilder().setField(field, create()).build();
  }

  /** Returns an id that nobody has used, and that sorts by time (UUIDv7), so that the service's index grows at its end. */
  static String create() {
    UUID random = UUID.randomUUID();
    long most = System.currentTimeMillis() << 16 | 0x7000 | random.getMostSignificantBits() & 0x0fff;
    return new UUID(most, random.getLeastSignificantBits()).toString();
  }
}
