package com.creditd.client;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.LocalizedMessage;
import com.google.rpc.RetryInfo;
import io.grpc.Status;
import io.grpc.protobuf.StatusProto;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What the service says of a call that it did not do. docs/errors.md lists the reasons with their facts.
 *
 * @param reason such as INSUFFICIENT_CREDIT: an ErrorReason without its prefix
 * @param facts the figures, such as required and available
 * @param text for people, in the language that the call's accept-language asked for
 * @param fields which fields break which rules
 * @param retryAfter how long to wait before the same call is worth repeating; zero if nothing was said of that
 */
public record Refusal(
    Status.Code code,
    String reason,
    Map<String, String> facts,
    String text,
    List<BadRequest.FieldViolation> fields,
    Duration retryAfter) {

  /** Returns what the service said; nothing if the error is another one, such as a connection that broke. */
  public static Optional<Refusal> of(Throwable error) {
    com.google.rpc.Status told = StatusProto.fromThrowable(error);
    if (told == null) {
      return Optional.empty();
    }
    ErrorInfo info = detail(told, ErrorInfo.class, ErrorInfo.getDefaultInstance());
    if (info.getReason().isEmpty()) {
      return Optional.empty();
    }
    var retry = detail(told, RetryInfo.class, RetryInfo.getDefaultInstance()).getRetryDelay();
    return Optional.of(
        new Refusal(
            Status.fromCodeValue(told.getCode()).getCode(),
            info.getReason(),
            info.getMetadataMap(),
            detail(told, LocalizedMessage.class, LocalizedMessage.getDefaultInstance()).getMessage(),
            detail(told, BadRequest.class, BadRequest.getDefaultInstance()).getFieldViolationsList(),
            Duration.ofSeconds(retry.getSeconds(), retry.getNanos())));
  }

  /**
   * Returns a fact that is a whole number.
   *
   * @throws NumberFormatException if it is none, or is not there
   */
  public long amount(String fact) {
    return Long.parseLong(facts.get(fact));
  }

  private static <D extends com.google.protobuf.Message> D detail(com.google.rpc.Status told, Class<D> kind, D missing) {
    for (Any detail : told.getDetailsList()) {
      if (detail.is(kind)) {
        try {
          return detail.unpack(kind);
        } catch (InvalidProtocolBufferException error) {
          return missing;
        }
      }
    }
    return missing;
  }
}
