package creditclient_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// contains tells whether got has all that is expected: of an object the fields that are named, of a list each item.
func contains(got, expected any) bool {
	switch expected := expected.(type) {
	case nil:
		return true
	case map[string]any:
		object, ok := got.(map[string]any)
		for key, value := range expected {
			ok = ok && contains(object[key], value)
		}
		return ok
	case []any:
		list, ok := got.([]any)
		ok = ok && len(list) == len(expected)
		for index := 0; ok && index < len(list); index++ {
			ok = contains(list[index], expected[index])
		}
		return ok
	}
	return reflect.DeepEqual(got, expected)
}

func made(t *testing.T, described protoreflect.MessageDescriptor) proto.Message {
	kind, err := protoregistry.GlobalTypes.FindMessageByName(described.FullName())
	check(t, err)
	return kind.New().Interface()
}

func asJSON(t *testing.T, message proto.Message) any {
	text, err := protojson.MarshalOptions{EmitDefaultValues: true}.Marshal(message)
	check(t, err)
	var got any
	check(t, json.Unmarshal(text, &got))
	return got
}

func deadline(one step) time.Duration {
	if one.DeadlineMS > 0 {
		return time.Duration(one.DeadlineMS) * time.Millisecond
	}
	return callTimeout
}

func number(t *testing.T, text string) int64 {
	var value int64
	_, err := fmt.Sscan(text, &value)
	check(t, err)
	return value
}

// upperSnake returns the name of a code as the protocol has it, such as FAILED_PRECONDITION.
func upperSnake(code codes.Code) string {
	if code == codes.Canceled {
		return "CANCELLED"
	}
	var name strings.Builder
	for index, letter := range code.String() {
		if index > 0 && letter >= 'A' && letter <= 'Z' && code != codes.OK {
			name.WriteByte('_')
		}
		name.WriteRune(letter)
	}
	return strings.ToUpper(name.String())
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
