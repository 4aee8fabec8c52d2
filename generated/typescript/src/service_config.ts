export const serviceConfig = {
  "methodConfig": [
    {
      "name": [
        {"service": "credit.v1.CreditService"},
        {"service": "credit.v1.AdminService"},
        {"service": "credit.v1.PaymentService"},
        {"service": "credit.v1.PaymentAdminService"},
        {"service": "credit.v1.WebhookService"},
        {"service": "credit.v1.AuditService"},
        {"service": "credit.v1.ApprovalService"},
        {"service": "credit.v1.PromoService"},
        {"service": "credit.v1.StatementService"},
        {"service": "credit.v1.SupportService"},
        {"service": "credit.v1.EventService"},
        {"service": "credit.v1.EventEndpointService"},
        {"service": "credit.v1.WorkflowService"},
        {"service": "credit.v1.AccessService"},
        {"service": "credit.v1.IdentityService"},
        {"service": "credit.v1.ApiKeyService"}
      ],
      "retryPolicy": {
        "maxAttempts": 4,
        "initialBackoff": "0.1s",
        "maxBackoff": "2s",
        "backoffMultiplier": 2,
        "retryableStatusCodes": ["UNAVAILABLE", "RESOURCE_EXHAUSTED", "ABORTED", "CANCELLED"]
      }
    }
  ]
} as const;
