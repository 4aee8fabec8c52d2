package com.creditd.client;

import com.google.gson.Gson;
import io.grpc.CallCredentials;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ChannelCredentials;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.Grpc;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.SecurityLevel;
import io.grpc.Status;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/** Connections to the credit service, for the stubs in com.creditd.credit.v1. */
public final class CreditChannel {
  /** The server closes no connection that pings this often; load balancers drop those that are silent for minutes. */
  private static final int PING_SECONDS = 30;

  /** A connection on which no ping is answered for as long is dead, and another one is made. */
  private static final int PING_TIMEOUT_SECONDS = 5;

  private CreditChannel() {}

  /**
   * Opens a connection, which connects when it is first used; shut it down at the end.
   *
   * <p>Calls are retried by gRPC as docs/service_config.json says, which all languages follow, and as the server says: it has
   * its callers wait, or stop where a retry cannot help (grpc-retry-pushback-ms). Requests get request ids ({@link RequestIds}).
   *
   * @param credentials how it is encrypted, such as TlsChannelCredentials.create(); InsecureChannelCredentials.create() on this
   *     machine
   * @param token returns a bearer token; asked before each call, so that it may refresh it, and has to keep it as long as it is
   *     good. May block. A token is sent in plain text to this machine alone. Null where a client certificate says who calls.
   */
  public static ManagedChannel open(String target, ChannelCredentials credentials, Supplier<String> token) {
    ManagedChannelBuilder<?> builder =
        Grpc.newChannelBuilder(target, credentials)
            .defaultServiceConfig(serviceConfig())
            .enableRetry()
            .keepAliveTime(PING_SECONDS, TimeUnit.SECONDS)
            .keepAliveTimeout(PING_TIMEOUT_SECONDS, TimeUnit.SECONDS)
            .keepAliveWithoutCalls(true)
            .intercept(new RequestIds());
    if (token != null) {
      builder.intercept(new Authenticated(new Bearer(token)));
    }
    return builder.build();
  }

  @SuppressWarnings("unchecked")
  private static Map<String, ?> serviceConfig() {
    try (var text = CreditChannel.class.getResourceAsStream("service_config.json")) {
      return new Gson().fromJson(new InputStreamReader(text, StandardCharsets.UTF_8), Map.class);
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }

  private record Authenticated(CallCredentials credentials) implements ClientInterceptor {
    @Override
    public <Q, A> ClientCall<Q, A> interceptCall(MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
      return next.newCall(method, options.withCallCredentials(credentials));
    }
  }

  private static final class Bearer extends CallCredentials {
    private static final Metadata.Key<String> HEADER = Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

    private final Supplier<String> token;

    private Bearer(Supplier<String> token) {
      this.token = token;
    }

    @Override
    public void applyRequestMetadata(RequestInfo call, Executor executor, MetadataApplier applier) {
      if (call.getSecurityLevel() == SecurityLevel.NONE && !isThisMachine(call)) {
        applier.fail(Status.UNAUTHENTICATED.withDescription("a token is sent in plain text to this machine alone"));
        return;
      }
      executor.execute(
          () -> {
            try {
              Metadata headers = new Metadata();
              headers.put(HEADER, "Bearer " + token.get());
              applier.apply(headers);
            } catch (RuntimeException error) {
              applier.fail(Status.UNAUTHENTICATED.withDescription("there is no token").withCause(error));
            }
          });
    }

    private static boolean isThisMachine(RequestInfo call) {
      return call.getTransportAttrs().get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR) instanceof InetSocketAddress address
          && address.getAddress() != null
          && address.getAddress().isLoopbackAddress();
    }
  }
}
