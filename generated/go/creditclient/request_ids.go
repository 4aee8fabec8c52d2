package creditclient

import (
	"context"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// RequestIDs is an interceptor that gives each mutation a request id where its caller stated none. It stands before gRPC's
// own retries, which repeat the call with the same id. The caller's message is left as it is: sent again, it is a new call.
func RequestIDs(
	ctx context.Context, method string, request, answer any, connection *grpc.ClientConn, invoke grpc.UnaryInvoker,
	options ...grpc.CallOption,
) error {
	if message, ok := request.(proto.Message); ok {
		request = withRequestID(message)
	}
	return invoke(ctx, method, request, answer, connection, options...)
}

func withRequestID(message proto.Message) proto.Message {
	field := message.ProtoReflect().Descriptor().Fields().ByName("request_id")
	if field == nil || field.Kind() != protoreflect.StringKind || message.ProtoReflect().Get(field).String() != "" {
		return message
	}
	copied := proto.Clone(message)
	copied.ProtoReflect().Set(field, protoreflect.ValueOfString(newRequestID()))
	return copied
}

// newRequestID returns an id that sorts by time, so that the service's index grows at its end.
func newRequestID() string { return uuid.Must(uuid.NewV7()).String() }
